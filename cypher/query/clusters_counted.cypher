// How many published clusters pass a filter; without one the entries in the index of assessments.
// Parameters: $least, $most (maps of bounds: score, coordination, size, firstSeen, lastSeen (ms)),
//   $ids, $assessments, $statuses, $families (lists; null = any), $any (whether nothing is filtered but assessments)
// Returns: clusters; one row
CALL () {
  WITH *
  WHERE $any
  MATCH (c:Cluster)
  WHERE c.assessment IN coalesce($assessments, ['campaign', 'likely_business'])
  RETURN count(c) AS clusters
  UNION ALL
  MATCH (c:Cluster)
  WHERE NOT $any
    AND ($ids IS NULL OR c.id IN $ids) AND ($assessments IS NULL OR c.assessment IN $assessments)
    AND ($statuses IS NULL OR c.status IN $statuses)
    AND $least.score <= c.score <= $most.score AND $least.coordination <= c.coordination <= $most.coordination
    AND $least.size <= c.size <= $most.size
    AND $least.firstSeen <= coalesce(c.firstSeen.epochMillis, 0) <= $most.firstSeen
    AND $least.lastSeen <= coalesce(c.lastSeen.epochMillis, 0) <= $most.lastSeen
    AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
  RETURN count(c) AS clusters
}
RETURN sum(clusters) AS clusters
