// Removes what runs that never published left behind, and marks those runs failed.
// Parameters: $run (text, the run that begins now)
// Returns: nothing
MATCH (r:DetectionRun {status: 'running'})
WHERE r.id <> $run
SET r.status = 'failed', r.finishedAt = datetime(), r.error = coalesce(r.error, 'interrupted')
WITH count(*) AS _
MATCH (s:StagedCluster)
WHERE s.run <> $run
CALL (s) { DETACH DELETE s } IN TRANSACTIONS OF 1000 ROWS
