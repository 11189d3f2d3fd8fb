// Puts an account on the list of those that no load may bring back.
// Parameters: $name (that stands for it)
// Returns: nothing
MERGE (f:Forgotten {name: $name})
ON CREATE SET f.at = datetime()
