// All edges between accounts and signals, packed into few records.
// Parameters: none
// Returns: account, signal (node ids), first_seen, last_seen (ms since 1970, -1 = not known); parallel lists
MATCH (a:Account)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
RETURN id(a) / 10000 AS pack, collect(id(a)) AS account, collect(id(s)) AS signal,
       collect(coalesce(r.firstSeen.epochMillis, -1)) AS first_seen,
       collect(coalesce(r.lastSeen.epochMillis, -1)) AS last_seen
