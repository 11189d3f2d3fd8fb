// The members of a published cluster, packed into few records.
// Parameters: $id
// Returns: node, id, membership, bits, status, created_at, status_changed_at (ms since 1970, -1 = not known); parallel lists
MATCH (:Cluster {id: $id})<-[m:MEMBER_OF]-(a:Account)
RETURN id(a) / 100000 AS pack, collect(id(a)) AS node, collect(a.id) AS id, collect(m.membership) AS membership,
       collect(coalesce(m.bits, 0.0)) AS bits, collect(a.status) AS status,
       collect(coalesce(a.createdAt.epochMillis, -1)) AS created_at,
       collect(coalesce(a.statusChangedAt.epochMillis, -1)) AS status_changed_at
