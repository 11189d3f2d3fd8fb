// Gives a webhook the rules of a file, unless someone else changed them since they were read.
// Parameters: $id, $before (rules as they were read, or null), $rules (JSON, one text each), $common (map: types, minSize, minGrowth,
//   minScore, followed, quiet)
// Returns: id; no row when they are others now, or the webhook is gone
MATCH (w:Webhook {id: $id})
SET w.turn = true
REMOVE w.turn
WITH w
WHERE ($before IS NULL AND w.rules IS NULL) OR w.rules = $before
SET w += $common, w.rules = $rules
RETURN w.id AS id
