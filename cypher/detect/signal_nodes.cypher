// The signals there are, by the database's own ids.
// Parameters: none
// Returns: pack, node (list of ids); one row a pack
MATCH (s:Signal)
RETURN id(s) / 100000 AS pack, collect(id(s)) AS node
