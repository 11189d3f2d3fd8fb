// The rule of Neo4j's demo: accounts that share a card or device of few users, and other identifiers besides.
// Parameters: $graph_name, $few (users of such a card or device, at most), $shared (identifiers shared in all, at least)
// Returns: the projection's result
MATCH (s:PaymentInstrument|Device)
WITH s, COUNT { (s)<-[:PAID_WITH|USED_DEVICE]-() } AS users
WHERE users > 1 AND users <= $few
MATCH (a:Account)-[:PAID_WITH|USED_DEVICE]->(s)<-[:PAID_WITH|USED_DEVICE]-(b:Account)
WHERE id(a) < id(b)
WITH DISTINCT a, b
MATCH (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE]->(t:Signal)<-[:PAID_WITH|SEEN_AT|USED_DEVICE]-(b)
WITH a, b, count(DISTINCT t) AS shared
WHERE shared >= $shared
RETURN gds.graph.project($graph_name, a, b, {}, {undirectedRelationshipTypes: ['*']})
