// One page of the members of each of several clusters, surest first. Walks the members of these clusters once.
// Parameters: $ids (clusters), $statuses (list), $least, $most (membership), $since (datetime) (null = any); $after_membership,
//   $after_id (the last row of the page before), $limit (a cluster)
// Returns: owner (cluster id), account (map), membership, bits, since, families, family_bits, signals, sharers (parallel lists or null)
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)<-[m:MEMBER_OF]-(a:Account)
  WHERE (m.membership < $after_membership OR (m.membership = $after_membership AND a.id > $after_id))
    AND ($statuses IS NULL OR a.status IN $statuses)
    AND ($least IS NULL OR m.membership >= $least)
    AND ($most IS NULL OR m.membership <= $most)
    AND ($since IS NULL OR m.since >= $since)
  RETURN m, a
  ORDER BY m.membership DESC, a.id
  LIMIT $limit
}
RETURN owner,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS account,
       m.membership AS membership, m.bits AS bits, m.since.epochMillis AS since, m.families AS families,
       m.familyBits AS family_bits, m.signals AS signals, m.sharers AS sharers
