// Writes the strongest links inside clusters, so that Neo4j Browser shows why.
// Parameters: $run (text), parallel lists $source, $target (account ids), $bits (float),
//   $families, $family_bits, $signals (parallel lists each: what each family adds, and its strongest signal's key or ''),
//   $cluster (id), $place (among the strongest of the cluster, from 1; null: not among them)
// Returns: nothing
UNWIND range(0, size($source) - 1) AS i
WITH $source[i] AS source, $target[i] AS target, $bits[i] AS bits,
     $families[i] AS families, $family_bits[i] AS familyBits, $signals[i] AS signals,
     CASE WHEN $place[i] IS NULL THEN null ELSE $run + '/' + $cluster[i] END AS of, $place[i] AS place
MATCH (a:Account {id: source})
MATCH (b:Account {id: target})
MERGE (a)-[l:LINKED {run: $run}]->(b)
SET l.bits = bits, l.families = families, l.familyBits = familyBits, l.signals = signals,
    l.of = of, l.place = place
