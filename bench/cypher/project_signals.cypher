// Puts all accounts, all signals and the uses between them into the GDS catalogue, undirected.
// Parameters: $graph_name
// Returns: the projection's result
MATCH (a:Account)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
RETURN gds.graph.project($graph_name, a, s, {}, {undirectedRelationshipTypes: ['*']})
