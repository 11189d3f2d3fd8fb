// Claims one batch of what a run stages inside the batch's own transaction, so that it is written exactly once.
// Parameters: $run (text), $batch (text)
// Returns: one row if this batch is to be written now, none if it was written before
MERGE (b:StagedBatch {key: $run + '/' + $batch})
ON CREATE SET b.run = $run, b.isNew = true
WITH b
WHERE b.isNew
REMOVE b.isNew
RETURN b.key AS key
