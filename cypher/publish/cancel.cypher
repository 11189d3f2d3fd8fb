// Asks runs that are under way to stop. A run looks every second or so; one that died does not.
// Parameters: $run (id, or null for whichever is under way)
// Returns: id; one row a run that was asked
MATCH (r:DetectionRun {status: 'running'})
WHERE $run IS NULL OR r.id = $run
SET r.cancelRequested = true
RETURN r.id AS id
