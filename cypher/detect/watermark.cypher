// The last load before the first one that is still open: it and all before it are whole.
// Parameters: none
// Returns: number, load (its id and when it ended: the same load again, or another database, has another); no row where there is none
OPTIONAL MATCH (open:Load)
WHERE open.finishedAt IS NULL
WITH count(open) > count(open.number) AS unnumbered, min(open.number) AS first
MATCH (l:Load)
WHERE NOT unnumbered AND l.number IS NOT NULL AND (first IS NULL OR l.number < first)
RETURN l.number AS number, l.id + ' ' + toString(l.finishedAt) AS load
ORDER BY number DESC
LIMIT 1
