// Resumes a paused schedule. What was due meanwhile is passed over, so that it goes on with the next time it is due.
// Parameters: $slot (datetime of the newest slot that has passed, or null)
// Returns: name; no row where it is not paused
MATCH (s:Schedule {name: 'detection'})
SET s.turn = true
REMOVE s.turn
WITH s
WHERE s.pausedAt IS NOT NULL
FOREACH (_ IN CASE WHEN $slot IS NOT NULL AND (s.slot IS NULL OR s.slot < $slot) THEN [1] ELSE [] END |
  SET s.slot = $slot
  REMOVE s.run, s.attempt)
REMOVE s.pausedAt, s.pausedBy, s.reason
RETURN s.name AS name
