// Signals by node id, with what they are part of and how many accounts use them (counted without walking to them).
// Parameters: $packs (lists of node ids)
// Returns: node, key, kind, parent, grandparent, class ('' = none), degree; parallel lists, a record a pack
UNWIND range(0, size($packs) - 1) AS pack
CALL (pack) {
  UNWIND $packs[pack] AS node
  MATCH (s:Signal)
  WHERE id(s) = node
  OPTIONAL MATCH (s)-[:IN]->(p:Prefix)
  OPTIONAL MATCH (p)-[:ANNOUNCED_BY]->(n:AutonomousSystem)
  // The smallest, if a prefix is announced by several.
  WITH s, p, min(n.asn) AS asn
  RETURN collect(id(s)) AS node, collect(s.key) AS key, collect(s.kind) AS kind,
         collect(coalesce(p.key, s.bin, s.words, '')) AS parent, collect(coalesce('AS' + toString(asn), '')) AS grandparent,
         collect(coalesce(s.networkClass, '')) AS class,
         collect(COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() }) AS degree
}
RETURN pack, node, key, kind, parent, grandparent, class, degree
