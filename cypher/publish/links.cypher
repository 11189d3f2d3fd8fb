// Writes the strongest links inside clusters, so that Neo4j Browser shows why.
// Parameters: $run (text), parallel lists $source, $target (account ids), $bits (float), $families (lists of text)
// Returns: nothing
UNWIND range(0, size($source) - 1) AS i
WITH $source[i] AS source, $target[i] AS target, $bits[i] AS bits, $families[i] AS families
MATCH (a:Account {id: source})
MATCH (b:Account {id: target})
MERGE (a)-[l:LINKED {run: $run}]->(b)
SET l.bits = bits, l.families = families
