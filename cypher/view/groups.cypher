// The members of a cluster in groups: by the signal that adds most to each one's membership.
// Parameters: $cluster (id)
// Returns: key (of the signal; '': no one signal), accounts (how many), membership (mean); one row a group, largest first
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(:Account)
RETURN coalesce(m.strongest, '') AS key, count(*) AS accounts, avg(m.membership) AS membership
ORDER BY accounts DESC, key
