// What the members of a published cluster use, packed into few records.
// Parameters: $id
// Returns: account, signal (node ids), first_seen, last_seen (ms since 1970, -1 = not known); parallel lists
MATCH (:Cluster {id: $id})<-[:MEMBER_OF]-(a:Account)
MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s:Signal)
RETURN id(a) / 10000 AS pack, collect(id(a)) AS account, collect(id(s)) AS signal,
       collect(coalesce(r.firstSeen.epochMillis, -1)) AS first_seen,
       collect(coalesce(r.lastSeen.epochMillis, -1)) AS last_seen
