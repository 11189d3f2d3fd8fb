// Deletes everything but the record of migrations. Used by tests and by `graphsvc reset`.
// Parameters: none
// Returns: nothing
MATCH (n)
WHERE NOT n:Migration
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS
