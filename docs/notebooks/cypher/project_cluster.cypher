// Puts the accounts of a published cluster and the published links between them into the GDS catalogue, undirected. In the
// order of ids, so that the same cluster gives the same projection wherever it was loaded.
// Parameters: $graph_name, $cluster (id)
// Returns: the projection's result
MATCH (:Cluster {id: $cluster})<-[:MEMBER_OF]-(a:Account)
OPTIONAL MATCH (a)-[link:LINKED]->(b:Account)
WITH a, link, b ORDER BY a.id, b.id
RETURN gds.graph.project($graph_name, a, b,
  {relationshipType: 'LINKED', relationshipProperties: link {.bits}}, {undirectedRelationshipTypes: ['LINKED']})
