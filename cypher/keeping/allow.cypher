// Takes an account off the list of those that no load may bring back.
// Parameters: $name (that stands for it)
// Returns: name; no row if it is not on the list
MATCH (f:Forgotten {name: $name})
WITH f, f.name AS name
DELETE f
RETURN name
