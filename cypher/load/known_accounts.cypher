// Which of these accounts are in the graph.
// Parameters: $ids (list of text)
// Returns: id; one row an account that is there
UNWIND $ids AS id
MATCH (a:Account {id: id})
RETURN a.id AS id
