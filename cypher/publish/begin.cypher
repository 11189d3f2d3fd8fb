// Opens the record of a run.
// Parameters: $id, $engine, $algorithm, $parameters, $versions (JSON), $input_hash (text), $seed, $accounts, $signals (int), $newest_signup (ms since 1970), $started_at (datetime)
// Returns: nothing
MERGE (r:DetectionRun {id: $id})
ON CREATE SET r.status = 'running', r.startedAt = $started_at, r.engine = $engine, r.algorithm = $algorithm,
              r.parameters = $parameters, r.versions = $versions, r.seed = $seed, r.inputHash = $input_hash,
              r.accounts = $accounts, r.signals = $signals,
              r.newestSignup = datetime({epochMillis: $newest_signup})
