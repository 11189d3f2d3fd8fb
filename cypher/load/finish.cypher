// Closes the book of a load and forgets how far its steps came.
// Parameters: $id (text), $accounts, $signals, $edges, $rejected (int)
// Returns: number (of the load); one row, none if there is no such load any more
MATCH (l:Load {id: $id})
SET l.finishedAt = datetime(), l.accounts = $accounts, l.signals = $signals, l.edges = $edges,
    l.rejected = $rejected
WITH l
OPTIONAL MATCH (s:LoadStep)
WHERE s.key STARTS WITH l.id + '/'
DETACH DELETE s
RETURN DISTINCT l.number AS number
