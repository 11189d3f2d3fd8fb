// Published clusters of an id, those whose ids begin with it, by id, and the one that a cluster of this id became part of.
// Parameters: $text, $limit
// Returns: cluster (map), exact (whether its id is all of the text), merged (whether it took in the one of this id)
CALL () {
  MATCH (c:Cluster)
  USING INDEX c:Cluster(id)
  WHERE c.id STARTS WITH $text
  RETURN c, false AS merged
  ORDER BY c.id
  LIMIT $limit
  UNION ALL
  MATCH (p:Identity {id: $text})
  WHERE p.mergedInto <> $text
  MATCH (c:Cluster {id: p.mergedInto})
  RETURN c, true AS merged
}
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster,
       c.id = $text AS exact, merged
