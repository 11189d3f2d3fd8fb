// 3. Why is this account in its cluster? What each family of evidence adds, in bits; negative speaks against.
// Parameters: $account (id)
// Returns: cluster, membership, family, bits, signal (key; '': no one signal), other_members_with_it; one row a family
MATCH (:Account {id: $account})-[m:MEMBER_OF]->(c:Cluster)
UNWIND range(0, size(m.families) - 1) AS i
RETURN c.id AS cluster, round(m.membership, 4) AS membership, m.families[i] AS family, round(m.familyBits[i], 1) AS bits,
       m.signals[i] AS signal, m.sharers[i] AS other_members_with_it
ORDER BY bits DESC
