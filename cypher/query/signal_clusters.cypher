// Published clusters whose accounts use each of several signals, by how many do. Walks all accounts of these signals: for
// signals of up to some thousands; hub_clusters is for the others.
// Parameters: $ids (signal keys), $limit (a signal)
// Returns: owner (signal key), cluster (map), accounts
UNWIND $ids AS owner
MATCH (s:Signal {key: owner})
CALL (s) {
  MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(:Account)-[:MEMBER_OF]->(c:Cluster)
  RETURN c, count(*) AS accounts
  ORDER BY accounts DESC, c.id
  LIMIT $limit
}
RETURN owner, accounts,
       c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster
