// Writes network prefixes and the autonomous systems that announce them.
// Parameters: parallel lists $prefix (CIDR), $asn (int or null)
// Returns: nothing
UNWIND range(0, size($prefix) - 1) AS i
WITH $prefix[i] AS prefix, $asn[i] AS asn
MERGE (p:Prefix {key: prefix})
FOREACH (_ IN CASE WHEN asn IS NULL THEN [] ELSE [1] END |
  MERGE (s:AutonomousSystem {asn: asn})
  MERGE (p)-[:ANNOUNCED_BY]->(s))
