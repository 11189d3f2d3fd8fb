// The published cluster of each of several accounts.
// Parameters: $ids (accounts)
// Returns: owner (account id), membership, bits, since, cluster (map); no row for an account in none
UNWIND $ids AS owner
MATCH (:Account {id: owner})-[m:MEMBER_OF]->(c:Cluster)
RETURN owner, m.membership AS membership, m.bits AS bits, m.since AS since, c {.*} AS cluster
