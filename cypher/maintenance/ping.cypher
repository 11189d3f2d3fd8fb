// Asks the database for a sign of life.
// Parameters: none
// Returns: alive; one row
RETURN true AS alive
