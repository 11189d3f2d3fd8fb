// Attaches accounts to staged clusters.
// Parameters: $run (text), parallel lists $cluster, $account (ids), $membership, $bits (float)
// Returns: nothing
UNWIND range(0, size($account) - 1) AS i
WITH $run + '/' + $cluster[i] AS key, $account[i] AS account, $membership[i] AS membership, $bits[i] AS bits
MATCH (c:StagedCluster {key: key})
MATCH (a:Account {id: account})
MERGE (a)-[m:MEMBER_OF]->(c)
SET m.membership = membership, m.bits = bits, m.run = $run, m.since = coalesce(m.since, datetime())
