// As load/edges, of messages: each is an observation of its own, so counts add. Their offsets are in the same transaction,
// so none is counted twice.
// Parameters: $type (text), parallel lists $account_id, $key, $first_seen, $last_seen (ms since 1970 or null), $count (int or null)
// Returns: nothing
UNWIND range(0, size($account_id) - 1) AS i
WITH $account_id[i] AS account, $key[i] AS key, $count[i] AS count,
     CASE WHEN $first_seen[i] IS NULL THEN null ELSE datetime({epochMillis: $first_seen[i]}) END AS first,
     CASE WHEN $last_seen[i] IS NULL THEN null ELSE datetime({epochMillis: $last_seen[i]}) END AS last
MATCH (a:Account {id: account})
MATCH (s:Signal {key: key})
MERGE (a)-[r:$($type)]->(s)
ON CREATE SET r.firstSeen = first, r.lastSeen = last, r.count = count
ON MATCH SET r.count = coalesce(r.count + count, r.count, count),
             r.firstSeen = CASE WHEN r.firstSeen IS NULL OR first < r.firstSeen THEN coalesce(first, r.firstSeen)
                                ELSE r.firstSeen END,
             r.lastSeen = CASE WHEN r.lastSeen IS NULL OR last > r.lastSeen THEN coalesce(last, r.lastSeen)
                               ELSE r.lastSeen END
