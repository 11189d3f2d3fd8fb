// Removes links that no published membership names.
// Parameters: $versions (list of int, those that are published)
// Returns: nothing
MATCH ()-[l:LINKED]->()
WHERE NOT coalesce(l.version, 0) IN $versions
CALL (l) { DELETE l } IN TRANSACTIONS OF 10000 ROWS
