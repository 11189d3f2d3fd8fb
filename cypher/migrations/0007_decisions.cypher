// Decisions are on clusters, accounts and pairs of accounts, of several topics; words of dispositions are the field's.
// Parameters: none
// Returns: nothing
DROP INDEX decision_cluster IF EXISTS;
CREATE INDEX decision_subject IF NOT EXISTS FOR (n:Decision) ON (n.subject);
CREATE INDEX decision_number IF NOT EXISTS FOR (n:Decision) ON (n.number);
MATCH (d:Decision)
WHERE d.verdict IS NOT NULL
SET d.subject = d.cluster, d.on = 'cluster', d.topic = 'disposition', d.strand = 'disposition', d.other = '',
    d.undoneNumber = CASE WHEN d.undoneAt IS NULL THEN 0 ELSE d.number END,
    d.value = CASE d.verdict WHEN 'benign' THEN 'dismissed' WHEN 'watching' THEN 'monitoring' ELSE d.verdict END
REMOVE d.verdict, d.cluster;
MATCH (c:Identity)
WHERE c.status IN ['benign', 'watching']
SET c.status = CASE c.status WHEN 'benign' THEN 'dismissed' ELSE 'monitoring' END;
