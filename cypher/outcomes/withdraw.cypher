// Withdraws an outcome: it stays on record and counts no more.
// Parameters: $id, $by (text)
// Returns: account (id); no row for an unknown or a withdrawn outcome
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
SET b.locked = true
REMOVE b.locked
WITH b
MATCH (o:Outcome {id: $id})
WHERE o.withdrawnAt IS NULL
SET o.withdrawnAt = datetime(), o.withdrawnBy = $by
RETURN o.account AS account
