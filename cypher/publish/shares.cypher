// Attaches to staged clusters the signals that hold them together.
// Parameters: $run (text), parallel lists $cluster (id), $signal (key), $rank, $accounts, $share, $bits
// Returns: nothing
UNWIND range(0, size($signal) - 1) AS i
WITH $run + '/' + $cluster[i] AS key, $signal[i] AS signal, $rank[i] AS rank, $accounts[i] AS accounts,
     $share[i] AS share, $bits[i] AS bits
MATCH (c:StagedCluster {key: key})
MATCH (s:Signal {key: signal})
MERGE (c)-[h:SHARES]->(s)
SET h.rank = rank, h.accounts = accounts, h.share = share, h.bits = bits, h.run = $run
