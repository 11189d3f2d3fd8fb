// Sets the status that decisions come to.
// Parameters: parallel lists $id (identities), $status
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $id[i] AS id, $status[i] AS status
MATCH (c:Identity {id: id})
SET c.status = status
