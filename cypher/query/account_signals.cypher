// One page of the signals of each of several accounts, by key.
// Parameters: $ids (accounts), $after (key of the last row of the page before), $limit (an account)
// Returns: owner (account id), first_seen, last_seen, count, signal (map), degree (accounts that use it)
UNWIND $ids AS owner
MATCH (a:Account {id: owner})
CALL (a) {
  MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
  WHERE s.key > $after
  RETURN r, s
  ORDER BY s.key
  LIMIT $limit
}
RETURN owner, r.firstSeen.epochMillis AS first_seen, r.lastSeen.epochMillis AS last_seen, r.count AS count,
       s {.*} AS signal,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
