// 10. Which clusters use the same signals? To be drawn: the strongest signals in common with others.
// Parameters: $cluster (id)
// Returns: c (cluster), h, s (signal), g, other (cluster); one row a signal in common
MATCH (c:Cluster {id: $cluster})-[h:SHARES]->(s:Signal)<-[g:SHARES]-(other:Cluster)
WHERE other <> c
RETURN c, h, s, g, other
ORDER BY h.rank, other.id
LIMIT 50
