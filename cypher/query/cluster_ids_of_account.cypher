// The published clusters that an account is a member of.
// Parameters: $account
// Returns: id; one row a cluster
MATCH (:Account {id: $account})-[:MEMBER_OF]->(c:Cluster)
RETURN c.id AS id
