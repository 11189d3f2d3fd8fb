// Writes network prefixes and the autonomous systems that announce them. A system that is new to a prefix marks the
// addresses in it, because they are read with it.
// Parameters: parallel lists $prefix (CIDR), $asn (int or null); $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($prefix) - 1) AS i
WITH $prefix[i] AS prefix, $asn[i] AS asn
MERGE (p:Prefix {key: prefix})
WITH p, asn
WHERE asn IS NOT NULL AND NOT EXISTS { (p)-[:ANNOUNCED_BY]->(:AutonomousSystem {asn: asn}) }
MERGE (s:AutonomousSystem {asn: asn})
MERGE (p)-[:ANNOUNCED_BY]->(s)
WITH p
MATCH (address:Signal)-[:IN]->(p)
SET address.touched = $number
