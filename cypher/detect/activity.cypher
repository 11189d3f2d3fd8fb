// Hourly traffic of accounts, a record a pack.
// Parameters: $packs (list of maps: number, nodes (list of ids of accounts))
// Returns: pack (its number); account (id, one an account and month), and parallel to it lists of hour (since 1970),
//   model ('' = not given), requests
UNWIND $packs AS pack
CALL (pack) {
  UNWIND pack.nodes AS node
  MATCH (a:Account)
  WHERE id(a) = node
  MATCH (a)-[:HAD_TRAFFIC]->(t)
  RETURN collect(node) AS account, collect(t.hours) AS hour, collect(t.models) AS model,
         collect(t.requests) AS requests
}
RETURN pack.number AS pack, account, hour, model, requests
