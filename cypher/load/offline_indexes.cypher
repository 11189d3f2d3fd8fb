// Indexes, those of constraints among them, that cannot be used.
// Parameters: none
// Returns: name, state; one row an index
SHOW INDEXES YIELD name, state
WHERE state <> 'ONLINE'
RETURN name, state
