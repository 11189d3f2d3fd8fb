// Closes loads of recorded sign-ups whose process died. Who asked got no answer and records again: the id is given up,
// so that the same sign-ups are a new load.
// Parameters: $bundle (text, of such loads), $seconds (int, for which one is open at least)
// Returns: nothing
MATCH (l:Load {bundle: $bundle})
WHERE l.finishedAt IS NULL AND l.startedAt < datetime() - duration({seconds: $seconds})
WITH l, l.id AS id
SET l.finishedAt = datetime(), l.id = id + '/' + l.number
WITH id
MATCH (s:LoadStep)
WHERE s.key STARTS WITH id + '/'
DETACH DELETE s
