// What two accounts both use, rarest first.
// Parameters: $a, $b (ids), $limit, $hubs (map: kind -> accounts from which a signal is a hub), $hub (the same for other kinds)
// Returns: signal (map), degree, hub (bool), in_all (signals that both use)
MATCH (a:Account {id: $a})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
WHERE EXISTS { (:Account {id: $b})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s) }
WITH DISTINCT s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
ORDER BY degree, s.key
WITH collect({signal: s {.*}, degree: degree, hub: degree > coalesce($hubs[s.kind], $hub)}) AS rows
UNWIND rows[..$limit] AS row
RETURN row.signal AS signal, row.degree AS degree, row.hub AS hub, size(rows) AS in_all
