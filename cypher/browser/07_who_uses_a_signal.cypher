// 07. Who uses a signal, and in which clusters are they? To be drawn; 100 accounts at most.
// Parameters: $signal (key, for example device:…)
// Returns: s (signal), r (use), a (account), m (membership), c (cluster, or null); one row an account
MATCH (s:Signal {key: $signal})<-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
OPTIONAL MATCH (a)-[m:MEMBER_OF]->(c:Cluster)
RETURN s, r, a, m, c
ORDER BY a.id
LIMIT 100
