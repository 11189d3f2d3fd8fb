// The kinds of signals there are.
// Parameters: none
// Returns: kind
MATCH (s:Signal)
RETURN DISTINCT s.kind AS kind
