// How many accounts there are.
// Parameters: none
// Returns: accounts; one row
MATCH (a:Account)
RETURN count(a) AS accounts
