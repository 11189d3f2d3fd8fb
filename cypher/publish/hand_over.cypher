// Takes their identities from the clusters before, for those that a run found again.
// Parameters: $run (text)
// Returns: nothing
MATCH (c:StagedCluster {run: $run})
MATCH (p:Identity {id: c.id})
REMOVE p:Identity, p:Dormant, p:Merged
