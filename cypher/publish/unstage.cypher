// Removes what a failed run had staged.
// Parameters: $run (text)
// Returns: nothing
MATCH (s:StagedCluster {run: $run})
CALL (s) { DETACH DELETE s } IN TRANSACTIONS OF 1000 ROWS
