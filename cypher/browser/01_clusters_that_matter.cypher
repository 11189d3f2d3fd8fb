// 1. Which clusters matter? By score, then size.
// Parameters: none
// Returns: cluster, score, accounts, status, families, in_words, first_sign_up, last_sign_up; one row a cluster
MATCH (c:Cluster)
RETURN c.id AS cluster, round(c.score, 3) AS score, c.size AS accounts, c.status AS status, c.families AS families,
       c.summary AS in_words, date(c.firstSeen) AS first_sign_up, date(c.lastSeen) AS last_sign_up
ORDER BY c.rank
LIMIT 50
