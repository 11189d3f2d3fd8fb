// How many published links there are within and between the groups of a cluster.
// Parameters: $cluster (id), $keys (of the groups that are drawn)
// Returns: source, target (keys, in order), links (how many), bits (of the strongest)
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(a:Account)-[l:LINKED {run: c.run}]->(b:Account)-[n:MEMBER_OF]->(c)
WITH l, [x IN [m, n] | reduce(best = ['', 0.0], i IN range(0, size(coalesce(x.signals, [])) - 1) |
       CASE WHEN x.signals[i] <> '' AND x.familyBits[i] > best[1] THEN [x.signals[i], x.familyBits[i]] ELSE best END)[0]] AS ends
WHERE ends[0] IN $keys AND ends[1] IN $keys
WITH l, CASE WHEN ends[0] <= ends[1] THEN ends ELSE [ends[1], ends[0]] END AS ends
RETURN ends[0] AS source, ends[1] AS target, count(*) AS links, max(l.bits) AS bits
ORDER BY source, target
