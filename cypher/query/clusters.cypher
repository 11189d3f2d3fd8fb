// One page of the published clusters that pass a filter, in any order; top_clusters is for the usual one.
// Scans the published clusters (as many as there are clusters, not accounts) and keeps a page of them.
// Parameters: $least, $most (maps of bounds: score, coordination, size, firstSeen, lastSeen (ms)),
//   $ids, $assessments, $statuses, $families (lists; null = any);
//   $order (score, coordination, size, growth, first_seen, last_seen), $sign (1.0 ascending, -1.0 descending);
//   $after_key (float), $after_id (the last row of the page before), $limit
// Returns: cluster (map, with `before`: its accounts in the run before), key (float, what it was ordered by)
MATCH (c:Cluster)
WHERE ($ids IS NULL OR c.id IN $ids) AND ($assessments IS NULL OR c.assessment IN $assessments)
  AND ($statuses IS NULL OR c.status IN $statuses)
  AND $least.score <= c.score <= $most.score AND $least.coordination <= c.coordination <= $most.coordination
  AND $least.size <= c.size <= $most.size
  AND $least.firstSeen <= coalesce(c.firstSeen.epochMillis, 0) <= $most.firstSeen
  AND $least.lastSeen <= coalesce(c.lastSeen.epochMillis, 0) <= $most.lastSeen
  AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
WITH c, $sign * CASE $order
  WHEN 'score' THEN c.score
  WHEN 'coordination' THEN c.coordination
  WHEN 'size' THEN toFloat(c.size)
  WHEN 'growth' THEN toFloat(c.size - coalesce(head(COLLECT { MATCH (c)-[:CONTINUES]->(p {id: c.id}) RETURN p.size }), 0))
  WHEN 'first_seen' THEN toFloat(coalesce(c.firstSeen.epochMillis, 0))
  ELSE toFloat(coalesce(c.lastSeen.epochMillis, 0))
END AS key
WHERE key > $after_key OR (key = $after_key AND c.id > $after_id)
WITH c, key
ORDER BY key, c.id
LIMIT $limit
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis,
          before: coalesce(head(COLLECT { MATCH (c)-[:CONTINUES]->(p {id: c.id}) RETURN p.size }), 0)} AS cluster,
       key
