// Marks a run failed; what is published stays. `events/failures` follows in the same transaction.
// Parameters: $run, $error (text)
// Returns: nothing
MATCH (r:DetectionRun {id: $run, status: 'running'})
SET r.status = 'failed', r.finishedAt = datetime(), r.error = $error, r.unannounced = true
