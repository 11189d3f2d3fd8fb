// A run's record, and what is stored of its clusters and members, packed one list each.
// Parameters: $id
// Returns: run (map), clusters (list of cluster (id), score, coordination, assessment); no row for an unknown run
MATCH (r:DetectionRun {id: $id})
CALL (r) {
  OPTIONAL MATCH (c:Cluster|PastCluster)
  WHERE c.run = r.id
  WITH c WHERE c IS NOT NULL
  RETURN collect({cluster: c.id, score: c.score, coordination: c.coordination, assessment: c.assessment}) AS clusters
}
RETURN r {.*} AS run, clusters
