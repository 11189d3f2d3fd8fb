// Accounts whose status changed lately, the newest first.
// Parameters: $since (ms since 1970), $statuses (those of stopped accounts), $most (int)
// Returns: account, ended (ms since 1970; -1: it is not stopped); one row an account
MATCH (a:Account)
WHERE a.statusChangedAt > datetime({epochMillis: $since})
WITH a
ORDER BY a.statusChangedAt DESC, a.id
LIMIT $most
RETURN a.id AS account, CASE WHEN a.status IN $statuses THEN a.statusChangedAt.epochMillis ELSE -1 END AS ended
