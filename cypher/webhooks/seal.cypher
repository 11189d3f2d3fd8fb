// Gives a webhook another sealed target, unless someone else did since it was read.
// Parameters: $id, $before (as it was read), $sealed
// Returns: id; no row when it is another one now
MATCH (w:Webhook {id: $id})
SET w.turn = true
REMOVE w.turn
WITH w
WHERE w.sealed = $before
SET w.sealed = $sealed
RETURN w.id AS id
