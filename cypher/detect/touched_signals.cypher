// The signals that loads after a given one made or changed, by the database's own ids.
// Parameters: $after (int, number of a load)
// Returns: pack, node (list of ids); one row a pack
MATCH (s:Signal)
WHERE s.touched > $after
RETURN id(s) / 100000 AS pack, collect(id(s)) AS node
