// Accounts by id with the published cluster of each, in packs.
// Parameters: $packs (lists of account ids)
// Returns: id, status, business (whether its cluster is a likely business), cluster ('' = in none), membership,
//   bits (0 = in none); parallel lists, a record a pack
UNWIND range(0, size($packs) - 1) AS pack
CALL (pack) {
  UNWIND $packs[pack] AS id
  MATCH (a:Account {id: id})
  OPTIONAL MATCH (a)-[m:MEMBER_OF]->(c:Cluster)
  RETURN collect(a.id) AS ids, collect(a.status) AS status, collect(coalesce(c.id, '')) AS cluster,
         collect(coalesce(c.assessment = 'likely_business', false)) AS business,
         collect(coalesce(m.membership, 0.0)) AS membership, collect(coalesce(m.bits, 0.0)) AS bits
}
RETURN pack, ids AS id, status, business, cluster, membership, bits
