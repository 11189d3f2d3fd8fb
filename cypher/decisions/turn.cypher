// The turn of one who decides or undoes: locks the book of decisions.
// Parameters: $version (of the book, as it was read)
// Returns: one row when nobody wrote into the book since, none otherwise
MERGE (b:DecisionBook {name: 'decisions'})
ON CREATE SET b.version = 0
// A write takes the lock; only what is read after it is what the others left.
SET b.turn = true
REMOVE b.turn
WITH b
WHERE b.version = $version
SET b.version = $version + 1
RETURN b.version AS version
