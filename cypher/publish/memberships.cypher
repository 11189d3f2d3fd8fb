// The members of the last cluster of each identity: since when, and the version of the links that begin at them.
// Parameters: none
// Returns: cluster (id), and parallel lists of account (ids), since (ms since 1970), version (0: none is published); one row an
//   identity
MATCH (c:Identity)<-[m:MEMBER_OF]-(a:Account)
RETURN c.id AS cluster, collect(a.id) AS account, collect(m.since.epochMillis) AS since,
       collect(CASE WHEN c:Cluster THEN coalesce(m.linksVersion, 0) ELSE 0 END) AS version
