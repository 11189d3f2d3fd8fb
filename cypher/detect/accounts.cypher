// Accounts, a record a pack.
// Parameters: $packs (list of maps: number, nodes (list of ids))
// Returns: pack (its number); node, id, created_at, status, status_changed_at (ms since 1970, -1 = not known), plan, country;
//   parallel lists
UNWIND $packs AS pack
CALL (pack) {
  UNWIND pack.nodes AS node
  MATCH (a:Account)
  WHERE id(a) = node
  RETURN collect(node) AS node, collect(a.id) AS id, collect(a.createdAt.epochMillis) AS created_at,
         collect(a.status) AS status, collect(coalesce(a.statusChangedAt.epochMillis, -1)) AS status_changed_at,
         collect(coalesce(a.plan, '')) AS plan, collect(coalesce(a.country, '')) AS country
}
RETURN pack.number AS pack, node, id, created_at, status, status_changed_at, plan, country
