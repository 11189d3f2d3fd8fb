// The accounts that loads after a given one wrote to, by the database's own ids.
// Parameters: $after (int, number of a load)
// Returns: pack, node (list of ids); one row a pack
MATCH (a:Account)
WHERE a.touched > $after
RETURN id(a) / 100000 AS pack, collect(id(a)) AS node
