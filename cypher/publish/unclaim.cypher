// Removes the claims of other runs' batches.
// Parameters: $keep (text, a run that is under way, or '')
// Returns: nothing
MATCH (b:StagedBatch)
WHERE b.run <> $keep
DELETE b
