// Which of some accounts there are.
// Parameters: $ids
// Returns: id
UNWIND $ids AS id
MATCH (a:Account {id: id})
RETURN a.id AS id
