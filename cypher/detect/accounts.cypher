// All accounts, packed into few records.
// Parameters: none
// Returns: node, id, created_at, status, status_changed_at (ms since 1970, -1 = not known), plan, country; parallel lists
MATCH (a:Account)
RETURN id(a) / 100000 AS pack, collect(id(a)) AS node, collect(a.id) AS id,
       collect(a.createdAt.epochMillis) AS created_at, collect(a.status) AS status,
       collect(coalesce(a.statusChangedAt.epochMillis, -1)) AS status_changed_at,
       collect(coalesce(a.plan, '')) AS plan, collect(coalesce(a.country, '')) AS country
