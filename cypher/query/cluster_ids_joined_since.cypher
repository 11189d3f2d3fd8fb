// The published clusters with a member that belongs to them since a moment or later. Walks the members of all clusters
// where nobody joined.
// Parameters: $since (datetime)
// Returns: id; one row a cluster
MATCH (c:Cluster)
WHERE EXISTS { MATCH (c)<-[m:MEMBER_OF]-() WHERE m.since >= $since }
RETURN c.id AS id
