// Publishes a run: its clusters become :Cluster, its record says so, and that of the run before that it is superseded.
// Parameters: $run, $thresholds (JSON), $result_hash (text), $members, $links (of campaigns), $business_members (int)
// Returns: nothing
MATCH (r:DetectionRun {id: $run})
OPTIONAL MATCH (staged:StagedCluster {run: $run})
WITH r, collect(staged) AS fresh
FOREACH (c IN fresh | REMOVE c:StagedCluster REMOVE c.key SET c:Cluster:Identity, c.publishedAt = datetime())
WITH r, size([c IN fresh WHERE c.assessment = 'campaign']) AS clusters,
     size([c IN fresh WHERE c.assessment = 'likely_business']) AS businesses
OPTIONAL MATCH (before:DetectionRun {status: 'published'})
WITH r, clusters, businesses, collect(before) AS earlier
FOREACH (b IN earlier | SET b.status = 'superseded')
SET r.status = 'published', r.finishedAt = datetime(), r.thresholds = $thresholds,
    r.resultHash = $result_hash, r.clusters = clusters, r.members = $members, r.links = $links,
    r.businesses = businesses, r.businessMembers = $business_members
REMOVE r.turn
