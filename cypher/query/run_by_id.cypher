// Detection runs by id.
// Parameters: $ids
// Returns: owner (the id), run (map); no row for an unknown id
UNWIND $ids AS owner
MATCH (r:DetectionRun {id: owner})
RETURN owner, r {.*} AS run
