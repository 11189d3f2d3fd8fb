// 09. How did a cluster come to be? Its runs back in time, to be drawn: growth, splits, mergers.
// Parameters: $cluster (id)
// Returns: path
MATCH path = (:Cluster {id: $cluster})-[:CONTINUES*0..20]->(:Cluster|PastCluster)
RETURN path
LIMIT 100
