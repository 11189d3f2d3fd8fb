// 05. Which accounts hang together most? The 20 strongest links of a cluster, to be drawn; a link holds its evidence.
// Parameters: $cluster (id)
// Returns: a, b (accounts), link (relationship); one row a link
MATCH (:Cluster {id: $cluster})<-[:MEMBER_OF]-(a:Account)-[link:LINKED]->(b:Account)
RETURN a, b, link
ORDER BY link.bits DESC, a.id, b.id
LIMIT 20
