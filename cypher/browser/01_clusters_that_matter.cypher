// 01. Which clusters matter? The campaigns, by score, then size. Likely businesses: assessment is likely_business.
// Parameters: none
// Returns: cluster, accounts, score, coordination, status, in_words, first_sign_up, last_sign_up, families; one row a cluster
MATCH (c:Cluster {assessment: 'campaign'})
RETURN c.id AS cluster, c.size AS accounts, round(c.score, 3) AS score, round(c.coordination, 3) AS coordination, c.status AS status, c.summary AS in_words,
       date(c.firstSeen) AS first_sign_up, date(c.lastSeen) AS last_sign_up, c.families AS families
ORDER BY c.rank
LIMIT 50
