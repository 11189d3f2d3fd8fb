// 06. What do two accounts share? With how many others; what thousands share says nothing.
// Parameters: $a, $b (ids)
// Returns: kind, accounts_in_all, signal (key); one row a signal, rarest first
MATCH (:Account {id: $a})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(:Account {id: $b})
RETURN s.kind AS kind,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(:Account) } AS accounts_in_all,
       s.key AS signal
ORDER BY accounts_in_all, signal
