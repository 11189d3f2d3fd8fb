// What subscribers are told of: the published run, the version of the book of decisions, the last event, and the latest runs.
// Parameters: $runs (how many of the latest)
// Returns: published (id or null), book (int), events (number of the last one), runs (maps, latest first)
OPTIONAL MATCH (p:DetectionRun {status: 'published'})
OPTIONAL MATCH (b:DecisionBook {name: 'decisions'})
OPTIONAL MATCH (o:EventBook {name: 'events'})
CALL () {
  MATCH (r:DetectionRun)
  USING INDEX r:DetectionRun(startedAt)
  WHERE r.startedAt IS NOT NULL
  WITH r
  ORDER BY r.startedAt DESC
  LIMIT $runs
  RETURN collect(r {.id, .status, .stage, .done, .total, .error, heartbeatAt: r.heartbeatAt.epochMillis}) AS runs
}
RETURN p.id AS published, coalesce(b.version, 0) AS book, coalesce(o.number, 0) AS events, runs
