// Every identity there is, with the members, those who were members lately, and the signals of its last cluster packed
// into lists.
// Parameters: none
// Returns: id, state (active, dormant, merged), size, merged_into (or null), account (ids), tenure, member (parallel to
//   account), signal (keys), bits (parallel to signal); one row an identity
MATCH (c:Identity)
CALL (c) {
  OPTIONAL MATCH (c)<-[m:MEMBER_OF|WAS_MEMBER_OF]-(a:Account)
  RETURN collect(a.id) AS account, collect(coalesce(m.tenure, 1.0)) AS tenure, collect(type(m) = 'MEMBER_OF') AS member
}
CALL (c) {
  OPTIONAL MATCH (c)-[h:SHARES]->(s:Signal)
  RETURN collect(s.key) AS signal, collect(h.bits) AS bits
}
RETURN c.id AS id, CASE WHEN c:Cluster THEN 'active' WHEN c:Merged THEN 'merged' ELSE 'dormant' END AS state,
       c.size AS size, c.mergedInto AS merged_into, account, tenure, member, signal, bits
