// Deletes an account with its activity and outcomes; its clusters count that a member is gone.
// Parameters: $account (id)
// Returns: nothing
MATCH (a:Account {id: $account})
CALL (a) {
  MATCH (a)-[:MEMBER_OF]->(c)
  SET c.membersForgotten = coalesce(c.membersForgotten, 0) + 1
}
CALL (a) {
  MATCH (a)-[:HAD_TRAFFIC]->(t:Activity)
  DETACH DELETE t
}
CALL (a) {
  MATCH (a)-[:HAD_OUTCOME]->(o:Outcome)
  DETACH DELETE o
}
DETACH DELETE a
