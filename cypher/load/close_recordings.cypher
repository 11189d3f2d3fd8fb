// Closes loads of recorded sign-ups whose process died: who asked got no answer and records again, under a new number.
// Parameters: $bundle (text, of such loads), $seconds (int, for which one is open at least)
// Returns: nothing
MATCH (l:Load {bundle: $bundle})
WHERE l.finishedAt IS NULL AND l.startedAt < datetime() - duration({seconds: $seconds})
SET l.finishedAt = datetime()
WITH l
MATCH (s:LoadStep)
WHERE s.key STARTS WITH l.id + '/'
DETACH DELETE s
