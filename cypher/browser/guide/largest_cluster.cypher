// The largest campaign, and what the guide asks about it: the two accounts of its strongest link, the first of them
// alone, and the signal that says most of that one. SKIP 1 takes the second largest campaign, and so on.
// Parameters: none
// Returns: cluster, account, a, b (ids), signal (key); one row
MATCH (c:Cluster {assessment: 'campaign'})
WITH c ORDER BY c.size DESC, c.id SKIP 0 LIMIT 1
MATCH (c)<-[m:MEMBER_OF]-(a:Account)-[link:LINKED]->(b:Account)
RETURN c.id AS cluster, a.id AS account, a.id AS a, b.id AS b, m.strongest AS signal
ORDER BY link.bits DESC, a.id, b.id
LIMIT 1
