// One page of the accounts that use each of several signals, by id. Walks all accounts of these signals:
// for signals of up to some thousands; hub_accounts is for the others.
// Parameters: $ids (signal keys), $after (id of the last row of the page before), $limit (a signal)
// Returns: owner (signal key), first_seen, last_seen, count, account (map)
UNWIND $ids AS owner
MATCH (s:Signal {key: owner})
CALL (s) {
  MATCH (s)<-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  WHERE a.id > $after
  RETURN r, a
  ORDER BY a.id
  LIMIT $limit
}
RETURN owner, r.firstSeen.epochMillis AS first_seen, r.lastSeen.epochMillis AS last_seen, r.count AS count,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS account
