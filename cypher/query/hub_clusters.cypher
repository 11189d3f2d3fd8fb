// Published clusters that each of several widely used signals holds together, by how many of their accounts use it.
// Parameters: $ids (signal keys), $limit (a signal)
// Returns: owner (signal key), cluster (map), accounts
UNWIND $ids AS owner
MATCH (s:Signal {key: owner})
CALL (s) {
  MATCH (s)<-[r:SHARES]-(c:Cluster)
  RETURN c, r.accounts AS accounts
  ORDER BY accounts DESC, c.id
  LIMIT $limit
}
RETURN owner, accounts,
       c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster
