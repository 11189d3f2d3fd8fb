// Every identity there is, with the members and the signals of its last cluster packed into lists.
// Parameters: none
// Returns: id, state (active, dormant, merged), size, merged_into (or null), account (ids), signal (keys), bits (parallel
//   to signal); one row an identity
MATCH (c:Identity)
CALL (c) {
  OPTIONAL MATCH (c)<-[:MEMBER_OF]-(a:Account)
  RETURN collect(a.id) AS account
}
CALL (c) {
  OPTIONAL MATCH (c)-[h:SHARES]->(s:Signal)
  RETURN collect(s.key) AS signal, collect(h.bits) AS bits
}
RETURN c.id AS id, CASE WHEN c:Cluster THEN 'active' WHEN c:Merged THEN 'merged' ELSE 'dormant' END AS state,
       c.size AS size, c.mergedInto AS merged_into, account, signal, bits
