// 08. Who came after the banned? The surest replacements in a cluster, to be drawn; `says` of each has the evidence.
// Parameters: $cluster (id)
// Returns: gone, came (accounts), f (relationship); one row a pair
MATCH (:Cluster {id: $cluster})<-[:MEMBER_OF]-(came:Account)-[f:FOLLOWS]->(gone:Account)
RETURN gone, f, came
ORDER BY f.probability DESC, gone.id, came.id
LIMIT 20
