// One page of the published clusters that pass a filter, in any order; top_clusters is for the usual one.
// Scans the published clusters (as many as there are clusters, not accounts) and keeps a page of them.
// Parameters: $ids (list or null), $min_score, $max_score, $min_size, $max_size, $status, $families (null = any);
//   $order (score, size, first_seen, last_seen), $sign (1.0 ascending, -1.0 descending);
//   $after_key (float), $after_id (the last row of the page before), $limit
// Returns: cluster (map), key (float, what it was ordered by)
MATCH (c:Cluster)
WHERE ($ids IS NULL OR c.id IN $ids)
  AND ($min_score IS NULL OR c.score >= $min_score)
  AND ($max_score IS NULL OR c.score <= $max_score)
  AND ($min_size IS NULL OR c.size >= $min_size)
  AND ($max_size IS NULL OR c.size <= $max_size)
  AND ($status IS NULL OR c.status = $status)
  AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
WITH c, $sign * CASE $order
  WHEN 'score' THEN c.score
  WHEN 'size' THEN toFloat(c.size)
  WHEN 'first_seen' THEN toFloat(coalesce(c.firstSeen.epochMillis, 0))
  ELSE toFloat(coalesce(c.lastSeen.epochMillis, 0))
END AS key
WHERE key > $after_key OR (key = $after_key AND c.id > $after_id)
WITH c, key
ORDER BY key, c.id
LIMIT $limit
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster,
       key
