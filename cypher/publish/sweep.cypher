// Marks runs failed that were interrupted before they published.
// Parameters: $run (text, the run that begins now)
// Returns: nothing
MATCH (r:DetectionRun {status: 'running'})
WHERE r.id <> $run
SET r.status = 'failed', r.finishedAt = datetime(), r.error = coalesce(r.error, 'interrupted')
