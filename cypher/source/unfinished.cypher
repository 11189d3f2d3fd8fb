// The load of a source whose process was killed between its transaction and the placing of its addresses.
// Parameters: $source (text)
// Returns: id, number; at most one row
MATCH (s:Source {name: $source})
MATCH (l:Load {id: s.load})
WHERE l.finishedAt IS NULL
RETURN l.id AS id, l.number AS number
