// Removes links and successions between accounts that earlier runs published.
// Parameters: $run (text, the published run)
// Returns: nothing
MATCH (:Account)-[l:LINKED|FOLLOWS]->(:Account)
WHERE l.run <> $run
CALL (l) { DELETE l } IN TRANSACTIONS OF 10000 ROWS
