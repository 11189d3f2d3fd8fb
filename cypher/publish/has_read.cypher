// Puts what a run has read into its record.
// Parameters: $id, $input_hash (text), $accounts, $signals (int), $newest_signup (ms since 1970)
// Returns: nothing
MATCH (r:DetectionRun {id: $id})
SET r.inputHash = $input_hash, r.accounts = $accounts, r.signals = $signals,
    r.newestSignup = datetime({epochMillis: $newest_signup})
