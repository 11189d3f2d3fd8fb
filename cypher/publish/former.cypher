// Attaches to staged clusters the accounts that were members of their identities lately.
// Parameters: $run (text), parallel lists $cluster, $account (ids), $tenure (0-1)
// Returns: nothing
UNWIND range(0, size($account) - 1) AS i
WITH $run + '/' + $cluster[i] AS key, $account[i] AS account, $tenure[i] AS tenure
MATCH (c:StagedCluster {key: key})
MATCH (a:Account {id: account})
MERGE (a)-[m:WAS_MEMBER_OF]->(c)
SET m.tenure = tenure, m.run = $run
