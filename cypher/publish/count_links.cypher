// How many links there are. A look-up in the count store.
// Parameters: none
// Returns: links; one row
MATCH ()-[l:LINKED]->()
RETURN count(l) AS links
