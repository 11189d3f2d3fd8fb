// Opens the record of a run that a process is started for, unless one is under way. A run that has not been heard of for
// a while has died.
// Parameters: $id, $engine, $algorithm (text), $seed (int), $by (text), $silent_ms (int)
// Returns: id; no row while another is under way
OPTIONAL MATCH (other:DetectionRun {status: 'running'})
WHERE other.id <> $id
  AND coalesce(other.heartbeatAt, other.startedAt).epochMillis > datetime().epochMillis - $silent_ms
WITH count(other) AS others
WHERE others = 0
MERGE (r:DetectionRun {id: $id})
ON CREATE SET r.status = 'running', r.startedAt = datetime(), r.heartbeatAt = datetime(), r.stage = 'starting',
              r.engine = $engine, r.algorithm = $algorithm, r.seed = $seed, r.requestedBy = $by
RETURN r.id AS id
