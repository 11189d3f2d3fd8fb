// The run that is published, and whether a cluster of it is a likely business.
// Parameters: $id
// Returns: id (of the cluster), run (id), business (bool); no row if the cluster is not published
MATCH (c:Cluster {id: $id})
MATCH (r:DetectionRun {status: 'published'})
RETURN c.id AS id, r.id AS run, coalesce(c.assessment = 'likely_business', false) AS business
