// Waits for those who write events, so that all up to the last number can be read.
// Parameters: none
// Returns: number (of the last event); no row before the first
MATCH (b:EventBook {name: 'events'})
// A write waits for the lock that writers hold to the end of their commit.
SET b.turn = true
REMOVE b.turn
RETURN b.number AS number
