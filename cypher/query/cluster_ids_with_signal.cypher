// The published clusters that a signal holds together.
// Parameters: $key
// Returns: id; one row a cluster
MATCH (:Signal {key: $key})<-[:SHARES]-(c:Cluster)
RETURN c.id AS id
