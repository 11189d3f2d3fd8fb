// Published clusters with their strongest shared signals.
// Parameters: $assessments (campaign, likely_business)
// Returns: one row a cluster, highest score first; evidence is a list of maps, score_parts JSON
MATCH (c:Cluster)
WHERE c.assessment IN $assessments
CALL (c) {
  MATCH (c)-[h:SHARES]->(s:Signal)
  WITH h, s ORDER BY h.rank LIMIT 10
  RETURN collect({signal: s.key, kind: s.kind, accounts: h.accounts, share: h.share, bits: h.bits}) AS evidence
}
RETURN c.id AS cluster_id, c.size AS size, c.score AS cluster_score, c.coordination AS coordination,
       c.score AS hostility, c.assessment AS assessment, c.status AS status,
       c.firstSeen.epochMillis AS first_seen, c.lastSeen.epochMillis AS last_seen, c.families AS families,
       c.summary AS summary, coalesce(c.scoreParts, '[]') AS score_parts, evidence
ORDER BY c.score DESC, c.size DESC, c.id
