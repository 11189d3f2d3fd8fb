// The members of each of several clusters counted by one of their properties, most first. Walks these members.
// Parameters: $ids (clusters), $by (status, country, plan), $limit (a cluster)
// Returns: owner (cluster id), value (null: not known), accounts
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  MATCH (c)<-[:MEMBER_OF]-(a:Account)
  RETURN a[$by] AS value, count(*) AS accounts
  ORDER BY accounts DESC, value
  LIMIT $limit
}
RETURN owner, value, accounts
