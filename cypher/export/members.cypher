// Members of published clusters, packed one record a cluster.
// Parameters: $assessments (campaign, likely_business)
// Returns: cluster_id, cluster_score, status, account_id, membership (parallel lists)
MATCH (c:Cluster)
WHERE c.assessment IN $assessments
MATCH (c)<-[m:MEMBER_OF]-(a:Account)
WITH c, a, m ORDER BY a.id
RETURN c.id AS cluster_id, c.score AS cluster_score, c.status AS status, collect(a.id) AS account_id,
       collect(m.membership) AS membership
