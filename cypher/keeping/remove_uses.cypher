// Removes the uses of some kinds of signals that were last seen before a moment.
// Parameters: $kinds (list), $before (datetime)
// Returns: nothing
MATCH (s:Signal)<-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-()
WHERE s.kind IN $kinds AND coalesce(r.lastSeen, r.firstSeen) < $before
CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS
