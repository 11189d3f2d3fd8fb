// Removes who was in clusters of runs whose members are not kept any more, and what those shared. The clusters stay, as
// the history of their identities; and the last cluster of an identity keeps all, because it may come back.
// Parameters: none
// Returns: nothing
MATCH (r:DetectionRun)
WHERE r.membersRemovedAt IS NOT NULL
MATCH (c:PastCluster {run: r.id})
WHERE NOT c:Identity
MATCH (c)-[m:MEMBER_OF|WAS_MEMBER_OF|SHARES]-()
CALL (m) { DELETE m } IN TRANSACTIONS OF 10000 ROWS
