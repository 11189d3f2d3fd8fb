// Takes what an algorithm of GDS wrote off again.
// Parameters: none
// Returns: nothing
MATCH (n:Account|Signal)
WHERE n.benchCommunity IS NOT NULL
CALL (n) { REMOVE n.benchCommunity } IN TRANSACTIONS OF 50000 ROWS
