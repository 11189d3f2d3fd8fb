// The accounts behind nodes of a projection of a published cluster.
// Parameters: $nodes (as GDS numbers them), $cluster (id)
// Returns: node, account (id), status, signed_up (milliseconds since 1970), strongest (key of the signal that adds most to its membership; '': none)
UNWIND $nodes AS node
WITH node, gds.util.asNode(node) AS a
MATCH (a)-[m:MEMBER_OF]->(:Cluster {id: $cluster})
RETURN node, a.id AS account, a.status AS status, a.createdAt.epochMillis AS signed_up, m.strongest AS strongest
ORDER BY account
