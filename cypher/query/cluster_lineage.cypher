// What happened to each of several clusters, newest first: to itself, what became part of it, what came off it, and what
// it became part of. Walks the clusters of all runs under these ids.
// Parameters: $ids (clusters), $limit (a cluster)
// Returns: owner (the id), id, before (or null), kind, at, run, overlap, accounts, accounts_before, accounts_now, signals,
//   families, bits, says; no row for an unknown id
UNWIND $ids AS owner
CALL (owner) {
  CALL (owner) {
    MATCH (c:Cluster {id: owner})
    RETURN c
    UNION ALL
    MATCH (c:PastCluster {id: owner})
    RETURN c
  }
  CALL (c) {
    // Its own event.
    OPTIONAL MATCH (c)-[l:CONTINUES {kind: c.event}]->(p)
    WITH c, l, p
    WHERE c.event IS NOT NULL
    RETURN c AS now, l, p, c.event AS kind, c.publishedAt AS at, c.run AS run, c.eventSays AS says
    UNION ALL
    // What became part of it.
    MATCH (c)-[l:CONTINUES {kind: 'merged'}]->(p)
    RETURN c AS now, l, p, l.kind AS kind, c.publishedAt AS at, c.run AS run, l.says AS says
    UNION ALL
    // What came off it, and what it became part of. What is staged is not published yet.
    MATCH (now:Cluster|PastCluster)-[l:CONTINUES]->(c)
    WHERE now.id <> c.id
    RETURN now, l, c AS p, l.kind AS kind, now.publishedAt AS at, now.run AS run, l.says AS says
    UNION ALL
    // Not found any more.
    WITH c
    WHERE c.dormantRun IS NOT NULL
    RETURN null AS now, null AS l, c AS p, 'dormant' AS kind, c.dormantAt AS at, c.dormantRun AS run, c.dormantSays AS says
  }
  RETURN now, l, p, kind, at, run, says
  ORDER BY at DESC, kind, now.id, p.id
  LIMIT $limit
}
RETURN owner, coalesce(now.id, p.id) AS id, p.id AS before, kind, at, run, coalesce(l.overlap, 0.0) AS overlap,
       coalesce(l.accounts, 0) AS accounts, coalesce(p.size, 0) AS accounts_before, coalesce(now.size, 0) AS accounts_now,
       coalesce(l.signals, 0) AS signals, coalesce(l.families, []) AS families, coalesce(l.bits, 0.0) AS bits, says
