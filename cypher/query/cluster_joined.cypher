// How many members of each of several clusters belong to it since a moment or later. Walks the members of these clusters.
// Parameters: $ids (clusters), $since (datetime)
// Returns: owner (cluster id), accounts
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
RETURN owner, COUNT { MATCH (c)<-[m:MEMBER_OF]-() WHERE m.since >= $since } AS accounts
