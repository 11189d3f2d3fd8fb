// How many published clusters pass a filter; without one the database's own count.
// Parameters: $least, $most (maps of a property and its bound), $ids, $statuses, $families (lists; null = any), $any (whether
//   all of these are empty or null)
// Returns: clusters; one row
CALL () {
  WITH *
  WHERE $any
  MATCH (c:Cluster)
  RETURN count(c) AS clusters
  UNION ALL
  MATCH (c:Cluster)
  WHERE NOT $any
    AND ($ids IS NULL OR c.id IN $ids)
    AND all(name IN keys($least) WHERE c[name] >= $least[name])
    AND all(name IN keys($most) WHERE c[name] <= $most[name])
    AND ($statuses IS NULL OR c.status IN $statuses)
    AND ($families IS NULL OR any(family IN $families WHERE family IN c.families))
  RETURN count(c) AS clusters
}
RETURN sum(clusters) AS clusters
