// Puts into the record of a run what its stages took.
// Parameters: $run (text), $timings, $stages (JSON)
// Returns: nothing
MATCH (r:DetectionRun {id: $run})
SET r.timings = $timings, r.stages = $stages
