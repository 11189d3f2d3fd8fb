// Fails, as a transaction may at its last statement.
// Parameters: $events (list)
// Returns: never
RETURN 1 / (size($events) - size($events)) AS never
