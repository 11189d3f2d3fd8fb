// Marks accounts of earlier bundles that this load writes to, before it does.
// Parameters: $account_id (list of text), $number (int, of the load)
// Returns: nothing
UNWIND $account_id AS id
MATCH (a:Account {id: id})
SET a.touched = $number
