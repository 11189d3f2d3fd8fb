// How many uses of each kind of signal are begun and ended within a time, of some accounts, evenly spaced.
// Parameters: $step (one account in so many is asked), $within (ms)
// Returns: kind, uses, brief; one row a kind
MATCH (a:Account)
WHERE id(a) % $step = 0
MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
RETURN s.kind AS kind, count(*) AS uses,
       count(CASE WHEN r.lastSeen.epochMillis - r.firstSeen.epochMillis < $within THEN 1 END) AS brief
