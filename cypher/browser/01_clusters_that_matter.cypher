// 01. Which clusters matter? By score, then size.
// Parameters: none
// Returns: cluster, accounts, score, status, in_words, first_sign_up, last_sign_up, families; one row a cluster
MATCH (c:Cluster)
RETURN c.id AS cluster, c.size AS accounts, round(c.score, 3) AS score, c.status AS status, c.summary AS in_words,
       date(c.firstSeen) AS first_sign_up, date(c.lastSeen) AS last_sign_up, c.families AS families
ORDER BY c.rank
LIMIT 50
