// One page of the detection runs, latest first.
// Parameters: $before (time as text), $after_id (both of the last row of the page before), $limit
// Returns: run (map), key (the start as text, exact)
MATCH (r:DetectionRun)
USING INDEX r:DetectionRun(startedAt)
WHERE r.startedAt <= datetime($before) AND NOT (r.startedAt = datetime($before) AND r.id <= $after_id)
WITH r
ORDER BY r.startedAt DESC, r.id
LIMIT $limit
RETURN r {.*} AS run, toString(r.startedAt) AS key
