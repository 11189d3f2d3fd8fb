// Adds to staged clusters how they replace their banned.
// Parameters: $run (text), parallel lists $id, $turnover (JSON)
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $run + '/' + $id[i] AS key, $turnover[i] AS turnover
MATCH (c:StagedCluster {key: key})
SET c.turnover = turnover
