// Writes the strongest links inside clusters, so that Neo4j Browser shows why.
// Parameters: $run (text), parallel lists $source, $target (account ids), $bits (float),
//   $families, $family_bits, $signals (parallel lists each: what each family adds, and its strongest signal's key or '')
// Returns: nothing
UNWIND range(0, size($source) - 1) AS i
WITH $source[i] AS source, $target[i] AS target, $bits[i] AS bits,
     $families[i] AS families, $family_bits[i] AS familyBits, $signals[i] AS signals
MATCH (a:Account {id: source})
MATCH (b:Account {id: target})
MERGE (a)-[l:LINKED {run: $run}]->(b)
SET l.bits = bits, l.families = families, l.familyBits = familyBits, l.signals = signals
