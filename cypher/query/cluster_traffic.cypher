// Requests of the members of each of several clusters: the latest buckets that have any. Walks the hours of traffic of
// these members in the months that are asked for.
// Parameters: $ids (clusters), $unit, $shift (length of a bucket, and what begins a bucket before 1970: ms), $since, $until (ms
//   since 1970, or null), $first_month, $last_month (YYYY-MM), $limit (a cluster)
// Returns: owner (cluster id), begins_at (ms since 1970), requests; latest first
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)<-[:MEMBER_OF]-(:Account)-[:HAD_TRAFFIC]->(t:Activity)
  WHERE t.month >= $first_month AND t.month <= $last_month
  UNWIND range(0, size(t.hours) - 1) AS i
  WITH t.hours[i] * 3600000 AS at, t.requests[i] AS requests
  WHERE ($since IS NULL OR at >= $since) AND ($until IS NULL OR at < $until)
  RETURN (at + $shift) / $unit AS bucket, sum(requests) AS requests
  ORDER BY bucket DESC
  LIMIT $limit
}
RETURN owner, bucket * $unit - $shift AS begins_at, requests
