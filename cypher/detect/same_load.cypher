// Whether the load that a graph was read up to is in this database as it was.
// Parameters: $number (int), $load (its id and when it ended)
// Returns: number; no row where it is not
MATCH (l:Load {number: $number})
WHERE l.id + ' ' + toString(l.finishedAt) = $load
RETURN l.number AS number
