// Who uses what some accounts use, of signals of few accounts.
// Parameters: $ids (accounts), $most (accounts of a signal), $limit (signals)
// Returns: key, accounts (ids, those of $ids among them); rarest first
UNWIND $ids AS id
MATCH (:Account {id: id})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
WITH DISTINCT s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
WHERE degree > 1 AND degree <= $most
WITH s, degree
ORDER BY degree, s.key
LIMIT $limit
RETURN s.key AS key, COLLECT {
  MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  RETURN a.id ORDER BY a.id
} AS accounts
ORDER BY degree, key
