// Which banned accounts each of several accounts probably follows, or who follows it, as the published run found them,
// likeliest first.
// Parameters: $ids (accounts), $follows (true: whom it follows, false: who follows it), $limit (an account)
// Returns: owner (account id), successor, predecessor (maps), probability, false_rate, delay_hours, bits, parts, part_bits
//   (parallel lists), says
MATCH (r:DetectionRun {status: 'published'})
UNWIND $ids AS owner
MATCH (own:Account {id: owner})
CALL (r, own) {
  WITH *
  WHERE $follows
  MATCH (own)-[f:FOLLOWS {run: r.id}]->(:Account)
  RETURN f
  UNION ALL
  WITH *
  WHERE NOT $follows
  MATCH (own)<-[f:FOLLOWS {run: r.id}]-(:Account)
  RETURN f
}
WITH owner, f, startNode(f) AS a, endNode(f) AS b
ORDER BY owner, f.probability DESC, a.id, b.id
WITH owner, collect({f: f, a: a, b: b})[..$limit] AS pairs
UNWIND pairs AS pair
WITH owner, pair.f AS f, pair.a AS a, pair.b AS b
RETURN owner,
       a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS successor,
       b {.*, createdAt: b.createdAt.epochMillis, statusChangedAt: b.statusChangedAt.epochMillis} AS predecessor,
       f.probability AS probability, f.falseRate AS false_rate, f.delayHours AS delay_hours, f.bits AS bits,
       f.parts AS parts, f.partBits AS part_bits, f.says AS says
