// Everything that loading writes, to compare two graphs; when and by which load it was written is left out.
// Parameters: none
// Returns: labels (list), properties (map); one row a node, in no order
MATCH (n:Account|Signal|Prefix|AutonomousSystem|Network|Activity|Load|LoadStep)
RETURN labels(n) AS labels, n {.*, startedAt: null, finishedAt: null, number: null, touched: null} AS properties
