// All named networks, and the autonomous systems with a class.
// Parameters: none
// Returns: cidr (null for an autonomous system), asn, name, class
MATCH (n:Network)
RETURN n.cidr AS cidr, n.asn AS asn, n.name AS name, n.class AS class
UNION ALL
MATCH (s:AutonomousSystem)
WHERE s.class IS NOT NULL
RETURN null AS cidr, s.asn AS asn, s.name AS name, s.class AS class
