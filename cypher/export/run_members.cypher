// The members of a run's clusters, whether it is still published or not; packed one record a cluster.
// Parameters: $id (run)
// Returns: cluster (id), account (ids), membership, families, family_bits; parallel lists
MATCH (c:Cluster|PastCluster)
WHERE c.run = $id
MATCH (c)<-[m:MEMBER_OF]-(a:Account)
WITH c, a, m ORDER BY a.id
RETURN c.id AS cluster, collect(a.id) AS account, collect(m.membership) AS membership,
       collect(coalesce(m.families, [])) AS families, collect(coalesce(m.familyBits, [])) AS family_bits
