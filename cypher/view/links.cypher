// The published links of a cluster.
// Parameters: $clusters (ids)
// Returns: source, target (ids), bits, families, family_bits, signals (parallel lists)
UNWIND $clusters AS id
MATCH (:Cluster {id: id})<-[m:MEMBER_OF]-(a:Account)-[l:LINKED]->(b:Account)
WHERE l.version = m.linksVersion
RETURN a.id AS source, b.id AS target, l.bits AS bits, l.families AS families, l.familyBits AS family_bits,
       l.signals AS signals
