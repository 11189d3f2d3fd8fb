// All runs, newest first.
// Parameters: none
// Returns: id, status, inputHash, resultHash, error; one row a run
MATCH (r:DetectionRun)
RETURN r.id AS id, r.status AS status, r.inputHash AS inputHash, r.resultHash AS resultHash, r.error AS error
ORDER BY r.startedAt DESC
