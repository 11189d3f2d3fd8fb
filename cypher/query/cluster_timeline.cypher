// When members of each of several clusters signed up, were stopped, signed up in place of somebody who was, had a chargeback or
// were reinstated: the latest buckets in which anything happened. Walks the members of these clusters.
// Parameters: $ids (clusters), $unit, $shift (length of a bucket, and what begins a bucket before 1970: ms), $since, $until (ms
//   since 1970, or null), $limit (a cluster)
// Returns: owner (cluster id), begins_at (ms since 1970), sign_ups, bans, replacements, chargebacks, reinstatements; latest first
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)<-[:MEMBER_OF]-(a:Account)
  WITH a.createdAt.epochMillis AS made,
       CASE WHEN a.status IN ['banned', 'suspended'] THEN a.statusChangedAt.epochMillis END AS stopped,
       CASE WHEN EXISTS { (a)-[:FOLLOWS {run: c.run}]->() } THEN 1 ELSE 0 END AS follows,
       COLLECT {
         MATCH (a)-[:HAD_OUTCOME]->(o:Outcome)
         WHERE o.withdrawnAt IS NULL AND o.kind IN ['chargeback', 'appealed_and_reinstated']
         RETURN CASE o.kind WHEN 'chargeback' THEN [o.at.epochMillis, 0, 0, 0, 1, 0] ELSE [o.at.epochMillis, 0, 0, 0, 0, 1] END
       } AS outcomes
  UNWIND [[made, 1, 0, follows, 0, 0], [stopped, 0, 1, 0, 0, 0]] + outcomes AS event
  WITH event
  WHERE event[0] IS NOT NULL
    AND ($since IS NULL OR event[0] >= $since) AND ($until IS NULL OR event[0] < $until)
  RETURN (event[0] + $shift) / $unit AS bucket, sum(event[1]) AS sign_ups, sum(event[2]) AS bans,
         sum(event[3]) AS replacements, sum(event[4]) AS chargebacks, sum(event[5]) AS reinstatements
  ORDER BY bucket DESC
  LIMIT $limit
}
RETURN owner, bucket * $unit - $shift AS begins_at, sign_ups, bans, replacements, chargebacks, reinstatements
