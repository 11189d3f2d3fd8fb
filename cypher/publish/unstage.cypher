// Removes what runs that never published had staged.
// Parameters: $keep (text, a run that is under way, or '')
// Returns: nothing
MATCH (s:StagedCluster)
WHERE s.run <> $keep
CALL (s) { DETACH DELETE s } IN TRANSACTIONS OF 1000 ROWS
