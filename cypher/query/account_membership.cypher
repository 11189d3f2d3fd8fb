// The published cluster of each of several accounts.
// Parameters: $ids (accounts)
// Returns: owner (account id), membership, bits, since, families, family_bits, signals, sharers (parallel lists or null),
//   cluster (map); no row for an account in none
UNWIND $ids AS owner
MATCH (:Account {id: owner})-[m:MEMBER_OF]->(c:Cluster)
RETURN owner, m.membership AS membership, m.bits AS bits, m.since.epochMillis AS since, m.families AS families,
       m.familyBits AS family_bits, m.signals AS signals, m.sharers AS sharers,
       c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster
