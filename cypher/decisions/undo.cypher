// Undoes a decision, once.
// Parameters: $id, $by (text), $at (datetime)
// Returns: nothing
MATCH (d:Decision {id: $id})
WHERE d.undoneAt IS NULL
SET d.undoneAt = $at, d.undoneBy = $by
