// What has become of accounts, and whether they signed up after a moment.
// Parameters: $accounts (ids)
// Returns: account, status, created_at (ms since 1970); parallel lists, one row
MATCH (a:Account)
WHERE a.id IN $accounts
WITH a ORDER BY a.id
RETURN collect(a.id) AS account, collect(a.status) AS status, collect(a.createdAt.epochMillis) AS created_at
