// The members of a cluster in groups: by the signal that adds most to each one's membership.
// Parameters: $cluster (id)
// Returns: key (of the signal; '': no one signal), accounts (how many), membership (mean); one row a group, largest first
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(:Account)
WITH m, reduce(best = ['', 0.0], i IN range(0, size(coalesce(m.signals, [])) - 1) |
       CASE WHEN m.signals[i] <> '' AND m.familyBits[i] > best[1] THEN [m.signals[i], m.familyBits[i]] ELSE best END)[0] AS key
RETURN key, count(*) AS accounts, avg(m.membership) AS membership
ORDER BY accounts DESC, key
