// What an account uses, rarest first, with all other accounts on it that are no hub's.
// Parameters: $account (id), $hubs (map: kind -> accounts from which a signal is a hub), $hub (the same for other kinds),
//   $signals (how many at most)
// Returns: key, kind, degree, hub (bool), network_class, accounts (ids; none of a hub), uses (of the account, in all)
MATCH (a:Account {id: $account})-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
WITH a, s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
WITH a, s, degree, degree > coalesce($hubs[s.kind], $hub) AS hub
ORDER BY degree, s.key
WITH a, collect({signal: s, degree: degree, hub: hub}) AS rows
UNWIND rows[..$signals] AS row
WITH a, row.signal AS s, row.degree AS degree, row.hub AS hub, size(rows) AS uses
RETURN s.key AS key, s.kind AS kind, degree, hub, s.networkClass AS network_class, uses,
       CASE WHEN hub THEN [] ELSE COLLECT {
         MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(b:Account)
         WHERE b <> a
         RETURN b.id ORDER BY b.id
       } END AS accounts
ORDER BY degree, key
