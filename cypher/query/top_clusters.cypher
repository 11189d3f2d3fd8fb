// One page of the published clusters that pass a filter, highest score first. Walks the index of scores from the last
// row of the page before and stops when the page is full.
// Parameters: $least, $most (maps of bounds: score, coordination, size, firstSeen, lastSeen (ms)),
//   $ids, $assessments, $statuses, $families (lists; null = any);
//   $after_key (float, minus the score), $after_id (both of the last row of the page before), $limit
// Returns: cluster (map, with `before`: its accounts in the run before), key (float, minus the score)
MATCH (c:Cluster)
USING INDEX c:Cluster(score)
WHERE c.score <= -$after_key
  // Said so and not with OR, which would make the planner seek twice and sort everything.
  AND NOT (c.score = -$after_key AND c.id <= $after_id)
  AND ($ids IS NULL OR c.id IN $ids) AND ($assessments IS NULL OR c.assessment IN $assessments)
  AND ($statuses IS NULL OR c.status IN $statuses)
  AND $least.score <= c.score <= $most.score AND $least.coordination <= c.coordination <= $most.coordination
  AND $least.size <= c.size <= $most.size
  AND $least.firstSeen <= coalesce(c.firstSeen.epochMillis, 0) <= $most.firstSeen
  AND $least.lastSeen <= coalesce(c.lastSeen.epochMillis, 0) <= $most.lastSeen
  AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
WITH c
ORDER BY c.score DESC, c.id
LIMIT $limit
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis,
          before: coalesce(head(COLLECT { MATCH (c)-[:CONTINUES]->(p {id: c.id}) RETURN p.size }), 0)} AS cluster,
       -c.score AS key
