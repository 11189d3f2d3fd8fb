// One page of the pairs of accounts of which one probably follows the other, banned one, as the published run found them;
// of a cluster (that of the banned one) or of one account, likeliest first.
// Parameters: $cluster (id or null), $account (id or null), $after_key (minus the probability), $after_id (successor and
//   predecessor, joined by a line break; both of the last row of the page before), $limit
// Returns: successor, predecessor (maps), probability, false_rate, delay_hours, bits, parts, part_bits (parallel lists), says,
//   key, id
MATCH (r:DetectionRun {status: 'published'})
CALL (r) {
  MATCH (:Cluster {id: $cluster})<-[:MEMBER_OF]-(b:Account)<-[f:FOLLOWS {run: r.id}]-(a:Account)
  RETURN a, f, b
  UNION
  MATCH (b:Account)<-[f:FOLLOWS {run: r.id}]-(a:Account {id: $account})
  RETURN a, f, b
  UNION
  MATCH (b:Account {id: $account})<-[f:FOLLOWS {run: r.id}]-(a:Account)
  RETURN a, f, b
}
WITH a, f, b, -f.probability AS key, a.id + '\n' + b.id AS id
WHERE key > $after_key OR (key = $after_key AND id > $after_id)
RETURN a {.*, createdAt: a.createdAt.epochMillis, statusChangedAt: a.statusChangedAt.epochMillis} AS successor,
       b {.*, createdAt: b.createdAt.epochMillis, statusChangedAt: b.statusChangedAt.epochMillis} AS predecessor,
       f.probability AS probability, f.falseRate AS false_rate, f.delayHours AS delay_hours, f.bits AS bits,
       f.parts AS parts, f.partBits AS part_bits, f.says AS says, key, id
ORDER BY key, id
LIMIT $limit
