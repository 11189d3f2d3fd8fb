// How widely autonomous systems are used. Walks at most $most uses a system, and its ranges.
// Parameters: $ids (numbers, as text), $most
// Returns: owner (the number as text), ranges, addresses, uses (that were walked), accounts (different ones among these)
UNWIND $ids AS owner
MATCH (n:AutonomousSystem {asn: toInteger(owner)})
CALL (n) {
  MATCH (n)<-[:ANNOUNCED_BY]-(:Prefix)<-[:IN]-(:Signal)<-[:SEEN_AT]-(a:Account)
  WITH a
  LIMIT $most
  RETURN count(a) AS uses, count(DISTINCT a) AS accounts
}
CALL (n) {
  MATCH (n)<-[:ANNOUNCED_BY]-(p:Prefix)
  RETURN count(p) AS ranges, sum(COUNT { (p)<-[:IN]-() }) AS addresses
}
RETURN owner, ranges, addresses, uses, accounts
