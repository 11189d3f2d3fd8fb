// 2. What does a cluster look like? Its 60 surest members around the 25 strongest signals they share, to be drawn.
// Parameters: $cluster (id)
// Returns: members, signals, uses (lists of nodes and relationships)
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(a:Account)
WITH c, a ORDER BY m.membership DESC, a.id LIMIT 60
WITH c, collect(a) AS members
MATCH (c)-[h:SHARES]->(s:Signal)
WITH members, s ORDER BY h.rank LIMIT 25
MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s)
WHERE a IN members
RETURN members, collect(DISTINCT s) AS signals, collect(r) AS uses
