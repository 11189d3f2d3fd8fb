// The strongest account-to-account links inside each of several clusters. Walks the links of these clusters once.
// Parameters: $ids (clusters), $limit (a cluster)
// Returns: owner (cluster id), source, target (maps), bits, families, family_bits, signals (parallel lists, the last two may be null)
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)<-[:MEMBER_OF]-(a:Account)-[l:LINKED]->(b:Account)
  WHERE l.run = c.run
  RETURN a, l, b
  ORDER BY l.bits DESC, a.id, b.id
  LIMIT $limit
}
RETURN owner,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS source,
       b {.*, createdAt: b.createdAt.epochMillis, statusChangedAt: b.statusChangedAt.epochMillis} AS target,
       l.bits AS bits, l.families AS families,
       l.familyBits AS family_bits, l.signals AS signals
