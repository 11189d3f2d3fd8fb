// Finds the schedule while a slot has no run yet and nothing is paused, and holds it to the end of the transaction.
// Parameters: $slot (datetime)
// Returns: name; no row where the slot has a run, or it is paused
MATCH (s:Schedule {name: 'detection'})
SET s.turn = true
REMOVE s.turn
WITH s
WHERE s.pausedAt IS NULL AND (s.slot IS NULL OR s.slot < $slot)
RETURN s.name AS name
