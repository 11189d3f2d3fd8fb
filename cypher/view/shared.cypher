// The signals that a cluster shares, strongest first, and which of some of its members use each.
// Parameters: $cluster (id), $ids (members that are drawn), $limit (signals), $hubs (map: kind -> accounts from which a
//   signal is a hub), $hub (the same for other kinds)
// Returns: key, kind, degree, hub (bool), network_class, bits, users (accounts of the cluster), accounts (ids of $ids),
//   in_all (signals it shares)
MATCH (c:Cluster {id: $cluster})
WITH c, COUNT { (c)-[:SHARES]->() } AS inAll
MATCH (c)-[h:SHARES]->(s:Signal)
WITH inAll, h, s
ORDER BY h.rank, s.key
LIMIT $limit
WITH inAll, h, s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
RETURN s.key AS key, s.kind AS kind, degree, degree > coalesce($hubs[s.kind], $hub) AS hub, s.networkClass AS network_class,
       h.bits AS bits, h.accounts AS users, inAll AS in_all,
       COLLECT {
         UNWIND $ids AS id
         MATCH (a:Account {id: id})
         WHERE EXISTS { (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s) }
         RETURN id
       } AS accounts
ORDER BY h.rank, key
