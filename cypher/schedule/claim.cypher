// Claims a slot for a run, in the transaction that opens the run's record: of several schedulers one gets it. Not to be had:
// it is paused, another one has this slot or a later one, or the run that is said to have died has lived on.
// Parameters: $slot, $now (datetimes), $run (id), $former (id of the run of this slot that died, or null), $attempt (int)
// Returns: slot; no row when it is not to be had
MATCH (s:Schedule {name: 'detection'})
// A write takes the lock; only what is read after it is what the others left.
SET s.turn = true
REMOVE s.turn
WITH s
OPTIONAL MATCH (r:DetectionRun {id: $former})
WITH s, r
WHERE s.pausedAt IS NULL
  AND ($former IS NULL AND (s.slot IS NULL OR s.slot < $slot)
       OR s.slot = $slot AND s.run = $former AND r.status IN ['running', 'failed'])
SET s.slot = $slot, s.run = $run, s.attempt = $attempt, s.claimedAt = $now
RETURN s.slot AS slot
