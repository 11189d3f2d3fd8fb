// How far a run has come.
// Parameters: $run (text)
// Returns: status, staged (clusters); one row
MATCH (r:DetectionRun {id: $run})
RETURN r.status AS status, COUNT { (:StagedCluster {run: $run}) } AS staged
