// Deletes everything but the record of migrations. For tests and benches.
// Parameters: none
// Returns: nothing
MATCH (n)
WHERE NOT n:Migration
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS
