// Opens the book of a load, or finds it open or closed from before.
// Parameters: $id (text), $bundle (text)
// Returns: finishedAt (null while the load is not complete); one row
MERGE (l:Load {id: $id})
ON CREATE SET l.bundle = $bundle, l.startedAt = datetime()
RETURN l.finishedAt AS finishedAt
