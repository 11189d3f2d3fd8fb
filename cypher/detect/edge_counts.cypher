// How many edges there are of each type, from the database's own counters.
// Parameters: none
// Returns: type, edges; one row a type
MATCH ()-[r:PAID_WITH]->() RETURN 'PAID_WITH' AS type, count(r) AS edges
UNION ALL
MATCH ()-[r:SEEN_AT]->() RETURN 'SEEN_AT' AS type, count(r) AS edges
UNION ALL
MATCH ()-[r:USED_DEVICE]->() RETURN 'USED_DEVICE' AS type, count(r) AS edges
UNION ALL
MATCH ()-[r:REGISTERED_WITH]->() RETURN 'REGISTERED_WITH' AS type, count(r) AS edges
UNION ALL
MATCH ()-[r:SENT]->() RETURN 'SENT' AS type, count(r) AS edges
UNION ALL
MATCH ()-[r:HAS_IDENTIFIER]->() RETURN 'HAS_IDENTIFIER' AS type, count(r) AS edges
