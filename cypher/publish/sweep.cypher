// Marks runs failed that were interrupted before they published. `events/failures` follows in the same transaction.
// Parameters: $run (text, the run that begins now)
// Returns: nothing
MATCH (r:DetectionRun {status: 'running'})
WHERE r.id <> $run
// A write takes the lock; a run that has been published meanwhile is not interrupted.
SET r.turn = true
REMOVE r.turn
WITH r
WHERE r.status = 'running'
SET r.status = 'failed', r.finishedAt = datetime(), r.error = coalesce(r.error, 'interrupted'), r.unannounced = true
