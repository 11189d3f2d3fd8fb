// Whether the content of a bundle was loaded before, wholly.
// Parameters: $bundle (text, hash of the content)
// Returns: id (of the load); at most one row
MATCH (l:Load)
WHERE l.bundle = $bundle AND l.finishedAt IS NOT NULL AND l.superseded IS NULL
RETURN l.id AS id
LIMIT 1
