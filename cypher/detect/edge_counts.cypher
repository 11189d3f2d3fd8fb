// How many edges there are of each type, from the database's own counters, which only a count by itself asks.
// Parameters: none
// Returns: type, edges; one row a type
MATCH ()-[r:PAID_WITH]->()
WITH count(r) AS edges
RETURN 'PAID_WITH' AS type, edges
UNION ALL
MATCH ()-[r:SEEN_AT]->()
WITH count(r) AS edges
RETURN 'SEEN_AT' AS type, edges
UNION ALL
MATCH ()-[r:USED_DEVICE]->()
WITH count(r) AS edges
RETURN 'USED_DEVICE' AS type, edges
UNION ALL
MATCH ()-[r:REGISTERED_WITH]->()
WITH count(r) AS edges
RETURN 'REGISTERED_WITH' AS type, edges
UNION ALL
MATCH ()-[r:SENT]->()
WITH count(r) AS edges
RETURN 'SENT' AS type, edges
UNION ALL
MATCH ()-[r:HAS_IDENTIFIER]->()
WITH count(r) AS edges
RETURN 'HAS_IDENTIFIER' AS type, edges
