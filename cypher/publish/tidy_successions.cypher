// Removes successions between accounts that earlier runs published.
// Parameters: $run (text, the published run)
// Returns: nothing
MATCH ()-[f:FOLLOWS]->()
WHERE f.run <> $run
CALL (f) { DELETE f } IN TRANSACTIONS OF 10000 ROWS
