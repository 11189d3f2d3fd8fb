// All signals, packed into few records. An address names its prefix, that prefix's autonomous system and the class of
// its network, a card its BIN.
// Parameters: none
// Returns: node, key, kind, parent, grandparent, class ('' = none); parallel lists
MATCH (s:Signal)
WITH s, head([(s)-[:IN]->(p:Prefix) | p]) AS prefix
WITH s, prefix, [(prefix)-[:ANNOUNCED_BY]->(n:AutonomousSystem) | n.asn] AS systems
WITH s, coalesce(prefix.key, s.bin, '') AS parent,
     // The smallest, if a prefix is announced by several.
     coalesce('AS' + toString(reduce(least = head(systems), asn IN systems | CASE WHEN asn < least THEN asn ELSE least END)), '')
       AS grandparent
RETURN id(s) / 100000 AS pack, collect(id(s)) AS node, collect(s.key) AS key, collect(s.kind) AS kind,
       collect(parent) AS parent, collect(grandparent) AS grandparent, collect(coalesce(s.networkClass, '')) AS class
