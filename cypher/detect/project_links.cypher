// Puts links between accounts into the GDS catalogue as an undirected weighted graph. Nodes are account indices.
// Parameters: $graph_name, parallel lists $source, $target (int), $bits (float)
// Returns: the projection's result
UNWIND range(0, size($source) - 1) AS i
WITH $source[i] AS source, $target[i] AS target, $bits[i] AS bits
RETURN gds.graph.project($graph_name, source, target,
  {relationshipType: 'LINKED', relationshipProperties: {bits: bits}}, {undirectedRelationshipTypes: ['LINKED']})
