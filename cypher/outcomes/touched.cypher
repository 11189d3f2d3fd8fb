// The accounts with outcomes that a load or one after it wrote to.
// Parameters: $number (int, of the load)
// Returns: account (list of ids); one row
MATCH (a:Account)
WHERE a.exportedStatus IS NOT NULL AND a.touched >= $number
RETURN collect(a.id) AS account
