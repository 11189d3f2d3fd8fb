// Clusters are assessed as campaigns or as likely businesses. All that was published before are campaigns. How surely one
// operator runs them was not kept: their score stands in for it until the next run.
// Parameters: none
// Returns: nothing
CREATE INDEX cluster_assessment IF NOT EXISTS FOR (n:Cluster) ON (n.assessment);
MATCH (c:Cluster|PastCluster)
WHERE c.assessment IS NULL
SET c.assessment = 'campaign', c.coordination = c.score;
MATCH (r:DetectionRun)
WHERE r.clusters IS NOT NULL AND r.businesses IS NULL
SET r.businesses = 0, r.businessMembers = 0;
