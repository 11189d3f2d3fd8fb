// Accounts to be drawn, with the published cluster of each.
// Parameters: $ids
// Returns: id, status, cluster (id or null), membership (or null)
UNWIND $ids AS id
MATCH (a:Account {id: id})
OPTIONAL MATCH (a)-[m:MEMBER_OF]->(c:Cluster)
RETURN a.id AS id, a.status AS status, c.id AS cluster, m.membership AS membership
