// The accounts that no load may bring back.
// Parameters: none
// Returns: name (that stands for an account); one row each
MATCH (f:Forgotten)
RETURN f.name AS name
