// Whether somebody asked a run to stop.
// Parameters: $run (text)
// Returns: id; one row if so
MATCH (r:DetectionRun {id: $run, cancelRequested: true})
RETURN r.id AS id
