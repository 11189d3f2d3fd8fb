// What an integration without scores would ask: which values are known, and how many accounts have each.
// Parameters: $keys (list of String): keys of signals
// Returns: key, accounts (integer)
UNWIND $keys AS key
MATCH (s:Signal {key: key})
RETURN s.key AS key, COUNT { (s)--(:Account) } AS accounts
