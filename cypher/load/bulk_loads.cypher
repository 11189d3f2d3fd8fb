// Loads that were imported.
// Parameters: none
// Returns: id, finishedAt (null: not yet checked); one row a load
MATCH (l:Load)
WHERE l.bulk
RETURN l.id AS id, l.finishedAt AS finishedAt
