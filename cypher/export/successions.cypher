// Accounts that probably follow a banned one, as the published run found them.
// Parameters: none
// Returns: successor, predecessor (ids), cluster_id (the predecessor's campaign, or null), probability, false_rate, delay_hours, bits,
//   parts, part_bits (parallel lists), says; one row a pair
MATCH (r:DetectionRun {status: 'published'})
MATCH (a:Account)-[f:FOLLOWS {run: r.id}]->(b:Account)
OPTIONAL MATCH (b)-[:MEMBER_OF]->(c:Cluster {assessment: 'campaign'})
RETURN a.id AS successor, b.id AS predecessor, c.id AS cluster_id, f.probability AS probability,
       f.falseRate AS false_rate, f.delayHours AS delay_hours, f.bits AS bits, f.parts AS parts,
       f.partBits AS part_bits, f.says AS says
ORDER BY probability DESC, successor, predecessor
