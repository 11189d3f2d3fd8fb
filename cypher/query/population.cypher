// How many accounts there are, out of the count store.
// Parameters: $ids (any, as a loader gives them)
// Returns: owner, accounts
UNWIND $ids AS owner
CALL () { MATCH (a:Account) RETURN count(a) AS accounts }
RETURN owner, accounts
