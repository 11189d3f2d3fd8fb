// The strongest account-to-account links inside each of several clusters. Seeks them in the index of places, so that
// it costs the same in a cluster of ten accounts and of ten thousand.
// Parameters: $ids (clusters), $limit (a cluster)
// Returns: owner (cluster id), source, target (maps), bits, families, family_bits, signals (parallel lists, the last two may be null)
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (a:Account)-[l:LINKED]->(b:Account)
  USING INDEX l:LINKED(of, place)
  WHERE l.of = c.id AND l.place <= $limit
    // Not those that a run has staged, nor those of the run before.
    AND EXISTS { (a)-[m:MEMBER_OF]->(c) WHERE m.linksVersion = l.version }
  RETURN a, l, b
}
RETURN owner,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS source,
       b {.*, createdAt: b.createdAt.epochMillis, statusChangedAt: b.statusChangedAt.epochMillis} AS target,
       l.bits AS bits, l.families AS families,
       l.familyBits AS family_bits, l.signals AS signals
ORDER BY owner, l.place
