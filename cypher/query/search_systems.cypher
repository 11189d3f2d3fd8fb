// An autonomous system by its number.
// Parameters: $asn
// Returns: system (map); one row, none if there is none
MATCH (n:AutonomousSystem {asn: $asn})
RETURN n {.*} AS system
