// Forgets how far a load has come, so that all of it is written again (which changes nothing that is there).
// Parameters: $id (text)
// Returns: nothing
MATCH (l:Load {id: $id})
REMOVE l.finishedAt
WITH l
MATCH (s:LoadStep)
WHERE s.key STARTS WITH $id + '/'
DETACH DELETE s
