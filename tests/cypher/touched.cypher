// The number of the last load that wrote to each account and signal. For tests.
// Parameters: none
// Returns: name (id or key), touched; one row an account or signal
MATCH (n:Account|Signal)
RETURN coalesce(n.id, n.key) AS name, n.touched AS touched
