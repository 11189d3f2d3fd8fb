// The published clusters that gained so many accounts in the last run; a new cluster gained all it has.
// Parameters: $least, $most (accounts, negative: lost; null = any)
// Returns: id; one row a cluster
MATCH (c:Cluster)
WITH c, c.size - coalesce(head(COLLECT { MATCH (c)-[:CONTINUES]->(p {id: c.id}) RETURN p.size }), 0) AS growth
WHERE ($least IS NULL OR growth >= $least) AND ($most IS NULL OR growth <= $most)
RETURN c.id AS id
