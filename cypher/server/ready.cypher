// Proves that the managed server accepts our password and answers queries.
// Parameters: none
// Returns: ready (INTEGER)
RETURN 1 AS ready
