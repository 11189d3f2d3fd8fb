// Records that a run is alive and how far it is, and tells whether somebody asked it to stop.
// Parameters: $run (text), $stage (text), $done, $total (int)
// Returns: cancelled (bool)
MATCH (r:DetectionRun {id: $run})
SET r.stage = $stage, r.done = $done, r.total = $total, r.heartbeatAt = datetime()
RETURN coalesce(r.cancelRequested, false) AS cancelled
