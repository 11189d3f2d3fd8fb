// Says of staged clusters what happened to their identities.
// Parameters: $run (text), parallel lists $id (lasting id), $kind, $says
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $run + '/' + $id[i] AS key, $kind[i] AS kind, $says[i] AS says
MATCH (c:StagedCluster {key: key})
SET c.event = kind, c.eventSays = says
