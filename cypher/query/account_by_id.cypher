// Accounts by id.
// Parameters: $ids
// Returns: owner (the id), account (map); no row for an unknown id
UNWIND $ids AS owner
MATCH (a:Account {id: owner})
RETURN owner, a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS account
