// Removes months of traffic that end before a moment.
// Parameters: $hour (since 1970)
// Returns: nothing
MATCH (t:Activity)
WHERE t.hours[-1] < $hour
CALL (t) { DETACH DELETE t } IN TRANSACTIONS OF 1000 ROWS
