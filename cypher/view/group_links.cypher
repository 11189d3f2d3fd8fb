// How many published links there are within and between what stands for the groups of a cluster.
// Parameters: $cluster (id), $nodes (map: key of a group -> id of the node that stands for it; others are left out)
// Returns: source, target (ids of nodes, in order), links (how many), bits (of the strongest)
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(a:Account)-[l:LINKED]->(b:Account)-[n:MEMBER_OF]->(c)
WHERE l.version = m.linksVersion
WITH l, $nodes[coalesce(m.strongest, '')] AS one, $nodes[coalesce(n.strongest, '')] AS other
WHERE one IS NOT NULL AND other IS NOT NULL
RETURN CASE WHEN one <= other THEN one ELSE other END AS source, CASE WHEN one <= other THEN other ELSE one END AS target,
       count(*) AS links, max(l.bits) AS bits
ORDER BY source, target
