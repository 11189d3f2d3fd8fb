// Opens the record of a run, before it reads anything; one that was requested has it already.
// Parameters: $id, $engine, $algorithm, $parameters, $versions (JSON), $seed (int), $started_at (datetime)
// Returns: status; one row: not running where others took it for dead
MERGE (r:DetectionRun {id: $id})
ON CREATE SET r.status = 'running', r.startedAt = $started_at
SET r.engine = $engine, r.algorithm = $algorithm, r.parameters = $parameters, r.versions = $versions, r.seed = $seed
RETURN r.status AS status
