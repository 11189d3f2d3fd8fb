// What there is of an account.
// Parameters: $account (id), $name (that stands for it once it is forgotten)
// Returns: there, forgotten (booleans); uses, signals (that only it used), months (of activity), outcomes, clusters (it is or was a
//   member of), decisions (on it), entries (of the audit log with its id in them); one row
OPTIONAL MATCH (a:Account {id: $account})
CALL (a) {
  MATCH (a)-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
  RETURN count(s) AS uses,
         sum(CASE WHEN COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } = 1 THEN 1 ELSE 0 END) AS signals
}
CALL () {
  MATCH (d:Decision)
  WHERE d.on IN ['account', 'pair'] AND (d.subject = $account OR d.other = $account)
  RETURN count(d) AS decisions
}
CALL () {
  MATCH (e:AuditEntry)
  WHERE e.subject = $account OR e.details CONTAINS $account OR e.reason CONTAINS $account
  RETURN count(e) AS entries
}
RETURN a IS NOT NULL AS there, EXISTS { (:Forgotten {name: $name}) } AS forgotten, uses, signals,
       COUNT { (a)-[:HAD_TRAFFIC]->() } AS months, COUNT { (a)-[:HAD_OUTCOME]->() } AS outcomes,
       COUNT { (a)-[:MEMBER_OF|WAS_MEMBER_OF]->() } AS clusters, decisions, entries
