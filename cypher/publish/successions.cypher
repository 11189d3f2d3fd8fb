// Writes which accounts probably follow which banned ones, so that Neo4j Browser shows who came after whom.
// Parameters: $run (text), parallel lists $successor, $predecessor (account ids), $probability, $false_rate, $delay_hours,
//   $bits, $parts, $part_bits (lists: what the bits are made of), $says
// Returns: nothing
UNWIND range(0, size($successor) - 1) AS i
WITH $successor[i] AS successor, $predecessor[i] AS predecessor, $probability[i] AS probability,
     $false_rate[i] AS falseRate, $delay_hours[i] AS delayHours, $bits[i] AS bits, $parts[i] AS parts,
     $part_bits[i] AS partBits, $says[i] AS says
MATCH (a:Account {id: successor})
MATCH (b:Account {id: predecessor})
MERGE (a)-[f:FOLLOWS {run: $run}]->(b)
SET f.probability = probability, f.falseRate = falseRate, f.delayHours = delayHours, f.bits = bits,
    f.parts = parts, f.partBits = partBits, f.says = says
