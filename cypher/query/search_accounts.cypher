// Accounts of an id, and those whose ids begin with it, by id: the exact one comes first.
// Parameters: $text, $limit
// Returns: account (map), exact (whether its id is all of the text)
MATCH (a:Account)
USING INDEX a:Account(id)
WHERE a.id STARTS WITH $text
WITH a
ORDER BY a.id
LIMIT $limit
RETURN a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS account,
       a.id = $text AS exact
