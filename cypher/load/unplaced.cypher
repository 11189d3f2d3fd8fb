// Addresses with their autonomous system and the class they have now.
// Parameters: none
// Returns: key, value, class, network, asn; one row an address, by key
MATCH (s:IpAddress)
OPTIONAL MATCH (s)-[:IN]->(:Prefix)-[:ANNOUNCED_BY]->(a:AutonomousSystem)
WITH s, min(a.asn) AS asn
RETURN s.key AS key, s.value AS value, s.networkClass AS class, s.network AS network, asn
ORDER BY key
