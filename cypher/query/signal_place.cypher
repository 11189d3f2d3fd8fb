// The range that each of several addresses is in, and who announces it: of several systems the one of the smallest number.
// Parameters: $ids (keys of addresses)
// Returns: owner (key), cidr, system (map, or null: not known); no row for what is no address
UNWIND $ids AS owner
MATCH (:Signal {key: owner})-[:IN]->(p:Prefix)
RETURN owner, p.key AS cidr,
       head(COLLECT { MATCH (p)-[:ANNOUNCED_BY]->(n:AutonomousSystem) RETURN n {.*} ORDER BY n.asn }) AS system
