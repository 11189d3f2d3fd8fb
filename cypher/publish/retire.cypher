// Turns what is published into past clusters.
// Parameters: none
// Returns: nothing
MATCH (c:Cluster)
REMOVE c:Cluster
SET c:PastCluster
