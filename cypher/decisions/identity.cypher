// What an identity is now.
// Parameters: $id
// Returns: size, status, state (active, dormant, merged), merged_into; no row for an unknown id
MATCH (c:Identity {id: $id})
RETURN c.size AS size, c.status AS status, c.mergedInto AS merged_into,
       CASE WHEN c:Cluster THEN 'active' WHEN c:Merged THEN 'merged' ELSE 'dormant' END AS state
