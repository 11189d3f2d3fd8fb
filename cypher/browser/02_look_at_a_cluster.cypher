// 02. What does a cluster look like? Its 25 strongest signals and the 60 surest members who use them, to be drawn.
// Parameters: $cluster (id)
// Returns: members, signals, uses (lists of nodes and relationships)
MATCH (c:Cluster {id: $cluster})-[h:SHARES]->(s:Signal)
WITH c, s ORDER BY h.rank LIMIT 25
WITH c, collect(s) AS signals
MATCH (c)<-[m:MEMBER_OF]-(a:Account)
WHERE EXISTS { (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s WHERE s IN signals) }
WITH signals, a ORDER BY m.membership DESC, a.id LIMIT 60
MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s WHERE s IN signals)
RETURN collect(DISTINCT a) AS members, collect(DISTINCT s) AS signals, collect(r) AS uses
