// Links have a version instead of a run. A membership names the version of the links that begin at its account, so that a run
// writes only the links that changed. The version of those that are there is 0, and the next run writes them again.
// A batch of memberships is claimed, so that it is written exactly once.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT staged_batch_key IF NOT EXISTS FOR (n:StagedBatch) REQUIRE n.key IS UNIQUE;
MATCH (c:Cluster)<-[m:MEMBER_OF]-(a:Account)-[l:LINKED {run: c.run}]->(:Account)
CALL (c, m, l) {
  SET m.linksVersion = 0, l.version = 0, l.of = CASE WHEN l.of IS NULL THEN null ELSE c.id END
} IN TRANSACTIONS OF 10000 ROWS;
