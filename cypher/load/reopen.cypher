// Forgets how far a load has come and its number, so that all of it is written again (which changes nothing that is there)
// under a new one.
// Parameters: $id (text)
// Returns: nothing
MATCH (l:Load {id: $id})
REMOVE l.finishedAt, l.number
WITH l
MATCH (s:LoadStep)
WHERE s.key STARTS WITH $id + '/'
DETACH DELETE s
