// What a run said happened to the identities: to those it found, to those that are part of one it found, and to those
// it did not find.
// Parameters: $run, $assessments (of the clusters whose events they are: campaign, likely_business; null = any)
// Returns: id, before (or null), kind, into (or null), overlap, accounts_in_common, accounts_before, accounts_now, signals_in_common,
//   families, bits, says; one row an event
CALL () {
  MATCH (c:Cluster {run: $run})
  RETURN c
  UNION ALL
  MATCH (c:PastCluster {run: $run})
  RETURN c
}
WITH c
WHERE $assessments IS NULL OR c.assessment IN $assessments
CALL (c) {
  OPTIONAL MATCH (c)-[l:CONTINUES {kind: c.event}]->(p)
  WITH c, l, p
  WHERE c.event IS NOT NULL
  RETURN l, p, c.event AS kind, c.eventSays AS says
  UNION ALL
  MATCH (c)-[l:CONTINUES {kind: 'merged'}]->(p)
  RETURN l, p, l.kind AS kind, l.says AS says
}
RETURN c.id AS id, p.id AS before, kind, null AS into, coalesce(l.overlap, 0.0) AS overlap, coalesce(l.accounts, 0) AS accounts_in_common,
       coalesce(p.size, 0) AS accounts_before, c.size AS accounts_now, coalesce(l.signals, 0) AS signals_in_common,
       coalesce(l.families, []) AS families, coalesce(l.bits, 0.0) AS bits, says
UNION ALL
MATCH (p:PastCluster {dormantRun: $run})
WHERE $assessments IS NULL OR p.assessment IN $assessments
RETURN p.id AS id, p.id AS before, 'dormant' AS kind, p.mergedInto AS into, 0.0 AS overlap, 0 AS accounts_in_common, p.size AS accounts_before,
       0 AS accounts_now, 0 AS signals_in_common, [] AS families, 0.0 AS bits, p.dormantSays AS says
