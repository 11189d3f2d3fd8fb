// 03. Why is this account in its cluster? What each family of evidence adds, in bits; negative speaks against.
// Parameters: $account (id)
// Returns: family, bits, other_members_with_it, signal (key; '': no one signal), membership, cluster; one row a family
MATCH (:Account {id: $account})-[m:MEMBER_OF]->(c:Cluster)
UNWIND range(0, size(m.families) - 1) AS i
RETURN m.families[i] AS family, round(m.familyBits[i], 1) AS bits, m.sharers[i] AS other_members_with_it,
       m.signals[i] AS signal, round(m.membership, 4) AS membership, c.id AS cluster
ORDER BY bits DESC
