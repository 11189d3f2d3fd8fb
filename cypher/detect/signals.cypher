// All signals, packed into few records. An address names its prefix and the class of its network.
// Parameters: none
// Returns: node, key, kind, parent ('' = none), class ('' = none); parallel lists
MATCH (s:Signal)
WITH s, coalesce(head([(s)-[:IN]->(p:Prefix) | p.key]), '') AS parent
RETURN id(s) / 100000 AS pack, collect(id(s)) AS node, collect(s.key) AS key, collect(s.kind) AS kind,
       collect(parent) AS parent, collect(coalesce(s.networkClass, '')) AS class
