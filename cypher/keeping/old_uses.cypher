// How many uses of some kinds of signals were last seen before a moment.
// Parameters: $kinds (list), $before (datetime)
// Returns: uses; one row
MATCH (s:Signal)<-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-()
WHERE s.kind IN $kinds AND coalesce(r.lastSeen, r.firstSeen) < $before
RETURN count(r) AS uses
