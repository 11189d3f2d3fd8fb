// Every property map of every node and relationship. Tests search it for what must not be there.
// Parameters: none
// Returns: properties; one row a node or relationship
MATCH (n)
RETURN properties(n) AS properties
UNION ALL
MATCH ()-[r]->()
RETURN properties(r) AS properties
