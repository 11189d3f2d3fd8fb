// Detection runs under way; what they have read of an account stays with them.
// Parameters: none
// Returns: id
MATCH (r:DetectionRun {status: 'running'})
RETURN r.id AS id
