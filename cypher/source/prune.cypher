// Removes records of a topic's loads that ended long ago, but for the last: a batch every few seconds leaves very many. A run
// that was up to one of these reads the graph anew.
// Parameters: $source (text), $days (int)
// Returns: nothing
MATCH (s:Source {name: $source})
MATCH (l:Load)
WHERE l.source = $source AND l.id <> s.load AND l.finishedAt < datetime() - duration({days: $days})
DELETE l
