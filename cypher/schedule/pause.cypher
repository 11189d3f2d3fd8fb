// Pauses the schedule: no run is started until it is resumed.
// Parameters: $by, $reason (text), $now (datetime)
// Returns: name; no row without a schedule, or where it is paused already
MATCH (s:Schedule {name: 'detection'})
SET s.turn = true
REMOVE s.turn
WITH s
WHERE s.pausedAt IS NULL
SET s.pausedAt = $now, s.pausedBy = $by, s.reason = $reason
RETURN s.name AS name
