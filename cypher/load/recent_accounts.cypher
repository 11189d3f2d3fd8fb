// New accounts that loads after a given one wrote to, the newest first, with the signals that they use.
// Parameters: $after (int, number of a load), $since (ms since 1970, after which they signed up), $most (int)
// Returns: account, at (ms since 1970), parallel lists key, kind, class ('' = none), users (accounts that use it); one row an account
MATCH (a:Account)
WHERE a.touched > $after AND a.createdAt > datetime({epochMillis: $since})
WITH a
ORDER BY a.createdAt DESC, a.id
LIMIT $most
MATCH (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
WITH a, s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS users
RETURN a.id AS account, a.createdAt.epochMillis AS at, collect(s.key) AS key, collect(s.kind) AS kind,
       collect(coalesce(s.networkClass, '')) AS class, collect(users) AS users
