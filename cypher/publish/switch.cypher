// Publishes a run: in this one transaction its clusters become :Cluster and the former ones :PastCluster.
// Does nothing when not all of its clusters are there, or when it is published already.
// Parameters: $run, $timings, $thresholds (JSON), $result_hash (text), $expected (clusters), $members, $links (int)
// Returns: status of the run; one row
MATCH (r:DetectionRun {id: $run})
OPTIONAL MATCH (staged:StagedCluster {run: $run})
WITH r, collect(staged) AS fresh
CALL (r, fresh) {
  WITH r, fresh
  WHERE r.status = 'running' AND size(fresh) = $expected
  OPTIONAL MATCH (old:Cluster)
  WITH r, fresh, collect(old) AS former
  FOREACH (c IN former | REMOVE c:Cluster SET c:PastCluster)
  FOREACH (c IN fresh | REMOVE c:StagedCluster REMOVE c.key SET c:Cluster, c.publishedAt = datetime())
  WITH r
  OPTIONAL MATCH (before:DetectionRun {status: 'published'})
  WITH r, collect(before) AS earlier
  FOREACH (b IN earlier | SET b.status = 'superseded')
  SET r.status = 'published', r.finishedAt = datetime(), r.timings = $timings, r.thresholds = $thresholds,
      r.resultHash = $result_hash,
      r.clusters = $expected, r.members = $members, r.links = $links
}
RETURN r.status AS status
