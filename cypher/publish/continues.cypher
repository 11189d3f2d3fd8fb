// Ties staged clusters to the last clusters of the identities that they carry on, come from or take in.
// Parameters: $run (text), parallel lists $id (lasting id of the staged cluster), $before (identity), $kind, $overlap
//   (0-1), $accounts, $signals (in common, int), $families (lists of text), $bits (float), $says
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $run + '/' + $id[i] AS key, $before[i] AS before, $kind[i] AS kind, $overlap[i] AS overlap,
     $accounts[i] AS accounts, $signals[i] AS signals, $families[i] AS families, $bits[i] AS bits, $says[i] AS says
MATCH (c:StagedCluster {key: key})
MATCH (p:Identity {id: before})
MERGE (c)-[l:CONTINUES]->(p)
SET l.kind = kind, l.overlap = overlap, l.accounts = accounts, l.signals = signals, l.families = families,
    l.bits = bits, l.says = says, l.run = $run
