// As load/unplaced, of the addresses only that loads after a given one made or changed: a system new to a prefix changes
// all addresses in it.
// Parameters: $after (int, number of a load)
// Returns: key, value, class, network, asn; one row an address, by key
MATCH (s:Signal)
WHERE s.touched > $after AND s:IpAddress
OPTIONAL MATCH (s)-[:IN]->(:Prefix)-[:ANNOUNCED_BY]->(a:AutonomousSystem)
WITH s, min(a.asn) AS asn
RETURN s.key AS key, s.value AS value, s.networkClass AS class, s.network AS network, asn
ORDER BY key
