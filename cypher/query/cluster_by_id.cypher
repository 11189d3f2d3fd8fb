// Published clusters by id.
// Parameters: $ids
// Returns: owner (the id), cluster (map); no row for an unknown id
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
RETURN owner,
       c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster
