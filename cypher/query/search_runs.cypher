// Detection runs of an id, and those whose ids begin with it, by id: the exact one comes first.
// Parameters: $text, $limit
// Returns: run (map), exact (whether its id is all of the text)
MATCH (r:DetectionRun)
USING INDEX r:DetectionRun(id)
WHERE r.id STARTS WITH $text
WITH r
ORDER BY r.id
LIMIT $limit
RETURN r {.*} AS run, r.id = $text AS exact
