// Whether anything was ever written beside the schema.
// Parameters: none
// Returns: label (of any such node); one row, or none if the database is empty
MATCH (n)
WHERE NOT n:Migration
RETURN head(labels(n)) AS label
LIMIT 1
