// What each of several clusters was in the run before.
// Parameters: $ids (clusters)
// Returns: owner (cluster id), before (accounts); no row for a cluster that is new
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})-[:CONTINUES]->(p {id: owner})
RETURN owner, p.size AS before
