// The schedule, the run of its last slot, and what other runs mean for it.
// Parameters: $silent_ms (int, without a word after which a run has died)
// Returns: plan, since, slot, attempt, claimed_at, paused_at, paused_by, reason, jitter_seed, run (map: id, status, error,
//   silent_seconds; or null), covered_until (start of the newest run that neither failed nor died), last_status, last_ended_at (of
//   the newest that ended); times in ms; one row, none without a schedule
MATCH (s:Schedule {name: 'detection'})
OPTIONAL MATCH (r:DetectionRun {id: s.run})
CALL () {
  MATCH (d:DetectionRun)
  WHERE d.status IN ['published', 'superseded']
     OR d.status = 'running'
        AND coalesce(d.heartbeatAt, d.startedAt).epochMillis > datetime().epochMillis - $silent_ms
  RETURN max(d.startedAt).epochMillis AS covered_until
}
WITH s, r, covered_until, head(COLLECT {
  MATCH (e:DetectionRun)
  WHERE e.finishedAt IS NOT NULL
  RETURN e
  ORDER BY e.finishedAt DESC
  LIMIT 1
}) AS last
RETURN s.plan AS plan, s.since.epochMillis AS since, s.slot.epochMillis AS slot, coalesce(s.attempt, 0) AS attempt,
       s.claimedAt.epochMillis AS claimed_at, s.pausedAt.epochMillis AS paused_at, s.pausedBy AS paused_by, s.reason AS reason,
       s.jitterSeed AS jitter_seed, covered_until, last.status AS last_status, last.finishedAt.epochMillis AS last_ended_at,
       CASE WHEN r IS NOT NULL THEN
         {id: r.id, status: r.status, error: r.error,
          silent_seconds: (datetime().epochMillis - coalesce(r.heartbeatAt, r.startedAt).epochMillis) / 1000.0} END AS run
