// One page of the accounts that use each of several widely used signals, by id. Walks the accounts in the order of
// their index and stops when the page is full: the more accounts use the signal, the sooner.
// Parameters: $ids (signal keys), $after (id of the last row of the page before), $limit (a signal)
// Returns: owner (signal key), first_seen, last_seen, count, account (map)
UNWIND $ids AS owner
MATCH (s:Signal {key: owner})
CALL (s) {
  MATCH (a:Account)
  USING INDEX a:Account(id)
  WHERE a.id > $after
    AND EXISTS { (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s) }
  RETURN a
  ORDER BY a.id
  LIMIT $limit
}
MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s)
RETURN owner, r.firstSeen.epochMillis AS first_seen, r.lastSeen.epochMillis AS last_seen, r.count AS count,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS account
ORDER BY owner, a.id
