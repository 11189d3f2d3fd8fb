// Writes what is known of autonomous systems.
// Parameters: parallel lists $asn, $name, $network_class, $country
// Returns: nothing
UNWIND range(0, size($asn) - 1) AS i
WITH $asn[i] AS asn, $name[i] AS name, $network_class[i] AS class, $country[i] AS country
MERGE (s:AutonomousSystem {asn: asn})
SET s.name = coalesce(name, s.name), s.class = coalesce(class, s.class),
    s.country = coalesce(country, s.country)
