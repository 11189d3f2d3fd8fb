// Writes the strongest links inside clusters, so that Neo4j Browser shows why. Readers see them once the membership of their
// source has their version.
// Parameters: parallel lists $source, $target (account ids), $version (int), $bits (float),
//   $families, $family_bits, $signals (parallel lists each: what each family adds, and its strongest signal's key or ''),
//   $cluster (id), $place (among the strongest of the cluster, from 1; null: not among them)
// Returns: nothing
UNWIND range(0, size($source) - 1) AS i
MATCH (a:Account {id: $source[i]})
MATCH (b:Account {id: $target[i]})
MERGE (a)-[l:LINKED {version: $version[i]}]->(b)
ON CREATE SET l += {
  bits: $bits[i], families: $families[i], familyBits: $family_bits[i], signals: $signals[i],
  of: CASE WHEN $place[i] IS NULL THEN null ELSE $cluster[i] END, place: $place[i]
}
