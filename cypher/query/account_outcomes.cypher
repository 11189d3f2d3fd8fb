// The outcomes of each of several accounts, newest first.
// Parameters: $ids (accounts), $limit (an account)
// Returns: owner (account id), outcome (map, times in ms)
UNWIND $ids AS owner
MATCH (a:Account {id: owner})
CALL (a) {
  MATCH (a)-[:HAD_OUTCOME]->(o:Outcome)
  RETURN o
  ORDER BY o.at DESC, o.status DESC, o.id
  LIMIT $limit
}
RETURN owner, o {.*, at: o.at.epochMillis, recordedAt: o.recordedAt.epochMillis, withdrawnAt: o.withdrawnAt.epochMillis} AS outcome
