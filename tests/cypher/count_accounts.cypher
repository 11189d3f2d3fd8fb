// Number of accounts.
// Parameters: none
// Returns: count; one row
MATCH (a:Account)
RETURN count(a) AS count
