// Closes a load of messages.
// Parameters: $load (text, id)
// Returns: nothing
MATCH (l:Load {id: $load})
SET l.finishedAt = datetime()
