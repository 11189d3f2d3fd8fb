// Deletes the signals that only one account used, and the prefixes that no address is in any more.
// Parameters: $account (id)
// Returns: nothing
MATCH (:Account {id: $account})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
WHERE COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } = 1
OPTIONAL MATCH (s)-[:IN]->(p:Prefix)
WITH collect(s) AS signals, collect(DISTINCT p) AS prefixes
FOREACH (s IN signals | DETACH DELETE s)
WITH prefixes
UNWIND prefixes AS p
WITH p
WHERE NOT EXISTS { (p)<-[:IN]-() }
DETACH DELETE p
