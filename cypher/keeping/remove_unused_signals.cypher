// Removes signals that nobody uses, but for those of loads that came meanwhile.
// Parameters: $number (int, of the last load)
// Returns: signals (how many); one row
MATCH (s:Signal)
WHERE coalesce(s.touched, 0) <= $number
  AND NOT EXISTS { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() }
CALL (s) { DETACH DELETE s } IN TRANSACTIONS OF 10000 ROWS
RETURN count(*) AS signals
