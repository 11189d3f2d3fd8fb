// What the API's bench asks about: published clusters, a member and a strong signal of each.
// Parameters: none
// Returns: id (of the cluster), account (id), key (of the signal); largest cluster first
MATCH (c:Cluster)
CALL (c) {
  MATCH (c)<-[:MEMBER_OF]-(a:Account)
  RETURN a.id AS account
  ORDER BY a.id
  LIMIT 1
}
CALL (c) {
  MATCH (c)-[r:SHARES]->(s:Signal)
  RETURN s.key AS key
  ORDER BY r.rank, s.key
  LIMIT 1
}
RETURN c.id AS id, account, key
ORDER BY c.size DESC, c.id
