// The signals that hold each of several clusters together, strongest first.
// Parameters: $ids (clusters), $limit (a cluster)
// Returns: owner (cluster id), rank, accounts, share, bits, signal (map), degree (accounts that use it at all)
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)-[r:SHARES]->(s:Signal)
  RETURN r, s
  ORDER BY r.rank, s.key
  LIMIT $limit
}
RETURN owner, r.rank AS rank, r.accounts AS accounts, r.share AS share, r.bits AS bits, s {.*} AS signal,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
