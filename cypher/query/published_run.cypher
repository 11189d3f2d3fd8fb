// The run whose clusters are published now.
// Parameters: none
// Returns: run (map); no row before the first run
MATCH (r:DetectionRun)
WHERE r.status = 'published'
RETURN r {.*} AS run
ORDER BY r.startedAt DESC
LIMIT 1
