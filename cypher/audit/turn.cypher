// The turn of one who writes to the audit log: locks it.
// Parameters: $number (of the last entry, as it was read; 0: none)
// Returns: one row when nobody wrote since, none otherwise
MERGE (b:AuditBook {name: 'audit'})
ON CREATE SET b.number = 0
// A write takes the lock; only what is read after it is what the others left.
SET b.turn = true
REMOVE b.turn
WITH b
WHERE b.number = $number
SET b.number = $number + 1
RETURN b.number AS number
