// Lets a run have read more accounts than the database has, as one on a cluster does.
// Parameters: $run (id), $accounts (int)
// Returns: nothing
MATCH (r:DetectionRun {id: $run})
SET r.accounts = $accounts
