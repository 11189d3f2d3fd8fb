// Claims one batch of a step of an open load inside the batch's own transaction, so that it is written exactly once.
// Parameters: $load (text, id of the load), $key (text), $batch (int)
// Returns: one row if this batch is to be written now, none if it was written before
MATCH (l:Load {id: $load})
WHERE l.finishedAt IS NULL
MERGE (s:LoadStep {key: $key})
ON CREATE SET s.next = 0
WITH s
WHERE s.next = $batch
SET s.next = $batch + 1
RETURN s.next AS next
