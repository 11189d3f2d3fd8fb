// Waits until all indexes are there, at most an hour.
// Parameters: none
// Returns: nothing
CALL db.awaitIndexes(3600)
