// The surest members of a cluster, of all or of one group.
// Parameters: $cluster (id), $within (key of the group, or null for all), $limit
// Returns: id, status, membership, in_all (how many there are)
MATCH (c:Cluster {id: $cluster})<-[m:MEMBER_OF]-(a:Account)
WHERE $within IS NULL OR coalesce(m.strongest, '') = $within
WITH a, m
ORDER BY m.membership DESC, a.id
WITH collect({id: a.id, status: a.status, membership: m.membership}) AS rows
UNWIND rows[..$limit] AS row
RETURN row.id AS id, row.status AS status, row.membership AS membership, size(rows) AS in_all
