// The turn of a run to be published, taken in the transaction that publishes it: locks its record and the book of
// decisions. Not its turn: it is not running any more, not all of its clusters are there, or people decided since.
// Parameters: $run (text), $expected (clusters), $version (of the book, as it was read), $next (version of the book now)
// Returns: one row when it is its turn, none otherwise
MATCH (r:DetectionRun {id: $run})
// A write takes the lock; only what is read after it is what the others left.
SET r.turn = true
REMOVE r.turn
WITH r
WHERE r.status = 'running' AND COUNT { (:StagedCluster {run: $run}) } = $expected
MERGE (b:DecisionBook {name: 'decisions'})
ON CREATE SET b.version = 0
SET b.turn = true
REMOVE b.turn
WITH b
WHERE b.version = $version
SET b.version = $next
RETURN b.version AS version
