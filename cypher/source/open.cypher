// Names the load that reads a source. Another one of it that was killed and never finished is closed: what it wrote stays,
// and the new load reads all of that again, since its marks were not committed. A load that was closed so and is to be done
// after all begins anew.
// Parameters: $source (text), $load (text, id)
// Returns: nothing
MERGE (s:Source {name: $source})
SET s.locked = true
REMOVE s.locked
WITH s, s.load AS before
SET s.load = $load
WITH before
OPTIONAL MATCH (own:Load {id: $load})
WHERE own.superseded
REMOVE own.finishedAt, own.number, own.superseded
WITH before
WHERE before <> $load
MATCH (l:Load {id: before})
WHERE l.finishedAt IS NULL
SET l.finishedAt = datetime(), l.superseded = true
WITH l
MATCH (step:LoadStep)
WHERE step.key STARTS WITH l.id + '/'
DETACH DELETE step
