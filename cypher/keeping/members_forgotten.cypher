// Clusters of which members were forgotten.
// Parameters: none
// Returns: id, forgotten (how many)
MATCH (c:Cluster)
WHERE c.membersForgotten > 0
RETURN c.id AS id, c.membersForgotten AS forgotten
