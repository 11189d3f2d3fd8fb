// How far each step of a load has come.
// Parameters: $id (text)
// Returns: step, next (number of the next batch); one row a step that has begun
MATCH (s:LoadStep)
WHERE s.key STARTS WITH $id + '/'
RETURN substring(s.key, size($id) + 1) AS step, s.next AS next
