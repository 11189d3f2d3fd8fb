// Links have a version instead of a run. A membership names the version of the links that begin at its account, so that a run
// writes only the links that changed. The version of those that are there is 0, and the next run writes them again.
// Parameters: none
// Returns: nothing
MATCH (c:Cluster)<-[m:MEMBER_OF]-(a:Account)-[l:LINKED {run: c.run}]->(:Account)
SET m.linksVersion = 0, l.version = 0, l.of = CASE WHEN l.of IS NULL THEN null ELSE c.id END;
