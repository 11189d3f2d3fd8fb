// How widely the ranges are used that each of several addresses is in. Walks at most $most uses a range.
// Parameters: $ids (keys of addresses), $most
// Returns: owner (key), addresses, uses (that were walked), accounts (different ones among these)
UNWIND $ids AS owner
MATCH (:Signal {key: owner})-[:IN]->(p:Prefix)
CALL (p) {
  MATCH (p)<-[:IN]-(:Signal)<-[:SEEN_AT]-(a:Account)
  WITH a
  LIMIT $most
  RETURN count(a) AS uses, count(DISTINCT a) AS accounts
}
RETURN owner, COUNT { (p)<-[:IN]-() } AS addresses, uses, accounts
