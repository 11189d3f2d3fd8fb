// Everything that loading writes, to compare two graphs; when, by which load and on which road it was written is left out.
// Parameters: none
// Returns: labels (list), properties (map); one row a node, in no order
MATCH (n:Account|Signal|Prefix|AutonomousSystem|Network|Activity|Outcome|Load|LoadStep|LoadBook)
RETURN labels(n) AS labels, n {.*, startedAt: null, recordedAt: null, finishedAt: null, number: null, touched: null, bulk: null, last: null} AS properties
