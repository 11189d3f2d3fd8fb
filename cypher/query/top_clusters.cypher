// One page of the published clusters that pass a filter, highest score first. Walks the index of scores from the last
// row of the page before and stops when the page is full.
// Parameters: $ids (list or null), $min_score, $max_score, $min_size, $max_size, $status, $families (null = any);
//   $after_key (float, minus the score), $after_id (both of the last row of the page before), $limit
// Returns: cluster (map), key (float, minus the score)
MATCH (c:Cluster)
USING INDEX c:Cluster(score)
WHERE c.score <= -$after_key
  // Said so and not with OR, which would make the planner seek twice and sort everything.
  AND NOT (c.score = -$after_key AND c.id <= $after_id)
  AND ($ids IS NULL OR c.id IN $ids)
  AND ($min_score IS NULL OR c.score >= $min_score)
  AND ($max_score IS NULL OR c.score <= $max_score)
  AND ($min_size IS NULL OR c.size >= $min_size)
  AND ($max_size IS NULL OR c.size <= $max_size)
  AND ($status IS NULL OR c.status = $status)
  AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
WITH c
ORDER BY c.score DESC, c.id
LIMIT $limit
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster,
       -c.score AS key
