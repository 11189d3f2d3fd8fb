// How many memberships and shared signals the database holds of the clusters of each run, past or not. For tests.
// Parameters: none
// Returns: run, relationships; one row a run that has any
MATCH (c:Cluster|PastCluster)-[r:MEMBER_OF|WAS_MEMBER_OF|SHARES]-()
RETURN c.run AS run, count(r) AS relationships
