// Undoes a decision, once.
// Parameters: $id, $by (text), $at (datetime), $number (of the undoing)
// Returns: nothing
MATCH (d:Decision {id: $id})
WHERE d.undoneAt IS NULL
SET d.undoneAt = $at, d.undoneBy = $by, d.undoneNumber = $number
