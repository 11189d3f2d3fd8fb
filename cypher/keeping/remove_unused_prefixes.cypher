// Removes prefixes that no address is in.
// Parameters: none
// Returns: nothing
MATCH (p:Prefix)
WHERE NOT EXISTS { (p)<-[:IN]-() }
CALL (p) { DETACH DELETE p } IN TRANSACTIONS OF 10000 ROWS
