// Carries on since when accounts are members of an identity, from its cluster before.
// Parameters: $run (text)
// Returns: nothing
MATCH (c:StagedCluster {run: $run})-[:CONTINUES]->(p:Identity)
WHERE p.id = c.id
CALL (c, p) {
  MATCH (p)<-[o:MEMBER_OF]-(a:Account)
  MATCH (a)-[m:MEMBER_OF]->(c)
  SET m.since = o.since
} IN TRANSACTIONS OF 100 ROWS
