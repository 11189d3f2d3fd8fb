// The accounts there are, by the database's own ids.
// Parameters: none
// Returns: pack, node (list of ids); one row a pack
MATCH (a:Account)
RETURN id(a) / 100000 AS pack, collect(id(a)) AS node
