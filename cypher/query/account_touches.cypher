// Other accounts on the rarest signals of each of several accounts: those on the rarest first, then those on most of them.
// Walks the users of these signals.
// Parameters: $ids (accounts), $widest (users of a signal, at most), $signals (an account, at most), $outside (whether to
//   leave out accounts of its own cluster), $limit (an account)
// Returns: owner (account id), account (map), cluster (map, or null: in none), signals (list of maps: key, kind, degree;
//   rarest first)
UNWIND $ids AS owner
MATCH (a:Account {id: owner})
CALL (a) {
  CALL (a) {
    MATCH (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
    WITH s, COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
    WHERE degree > 1 AND degree <= $widest
    RETURN s, degree
    ORDER BY degree, s.key
    LIMIT $signals
  }
  MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(b:Account)
  WHERE b <> a AND NOT ($outside AND EXISTS { (a)-[:MEMBER_OF]->(:Cluster)<-[:MEMBER_OF]-(b) })
  WITH b, s, degree
  ORDER BY degree, s.key
  WITH b, collect({key: s.key, kind: s.kind, degree: degree}) AS signals
  ORDER BY signals[0].degree, size(signals) DESC, b.id
  LIMIT $limit
  RETURN b, signals
}
RETURN owner,
       b {.*, createdAt: b.createdAt.epochMillis, statusChangedAt: b.statusChangedAt.epochMillis} AS account,
       head([(b)-[:MEMBER_OF]->(c:Cluster) |
         c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis}]) AS cluster,
       signals
