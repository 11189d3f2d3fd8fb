// The turn of one who removes parts of the graph: locks the book of loads. A load under way relies on the signals it wrote.
// Parameters: none
// Returns: last (number of the last load); no row while a load is open
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
// A write takes the lock; only what is read after it is what the others left.
SET b.locked = true
REMOVE b.locked
WITH b
WHERE NOT EXISTS { MATCH (l:Load) WHERE l.finishedAt IS NULL }
RETURN b.last AS last
