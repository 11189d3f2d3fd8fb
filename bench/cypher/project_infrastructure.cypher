// Puts accounts, cards, devices and addresses into the GDS catalogue, undirected, as Neo4j's demo of fraud detection does.
// Parameters: $graph_name
// Returns: the projection's result
MATCH (a:Account)-[:PAID_WITH|SEEN_AT|USED_DEVICE]->(s:Signal)
RETURN gds.graph.project($graph_name, a, s, {}, {undirectedRelationshipTypes: ['*']})
