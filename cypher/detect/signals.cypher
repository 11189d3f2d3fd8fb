// Signals, a record a pack. An address names its prefix, that prefix's autonomous system and the class of its network,
// a card its BIN, a name and an e-mail pattern the tokens of its words.
// Parameters: $packs (list of maps: number, nodes (list of ids))
// Returns: pack (its number); node, key, kind, parent, grandparent, class ('' = none); parallel lists
UNWIND $packs AS pack
CALL (pack) {
  UNWIND pack.nodes AS node
  MATCH (s:Signal)
  WHERE id(s) = node
  WITH s, CASE WHEN s:IpAddress THEN head([(s)-[:IN]->(p:Prefix) | p]) END AS prefix
  WITH s, prefix, CASE WHEN prefix IS NULL THEN [] ELSE [(prefix)-[:ANNOUNCED_BY]->(n:AutonomousSystem) | n.asn] END AS systems
  RETURN collect(id(s)) AS node, collect(s.key) AS key, collect(s.kind) AS kind,
         collect(coalesce(prefix.key, s.bin, s.words, '')) AS parent,
         // The smallest, if a prefix is announced by several.
         collect(coalesce('AS' + toString(reduce(least = head(systems), asn IN systems | CASE WHEN asn < least THEN asn ELSE least END)), ''))
           AS grandparent,
         collect(coalesce(s.networkClass, '')) AS class
}
RETURN pack.number AS pack, node, key, kind, parent, grandparent, class
