// Writes edges of one relationship type between accounts and signals; both ends are there.
// A repeated observation widens the time span. Counts add when the spans do not overlap (another day's
// bundle) and take the larger when they do (the same observations exported again), so a repetition changes nothing.
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
ON MATCH SET r.count = CASE WHEN r.count IS NULL THEN count
                            WHEN count IS NULL THEN r.count
                            WHEN first > r.lastSeen OR last < r.firstSeen THEN r.count + count
                            WHEN count > r.count THEN count
                            ELSE r.count END,
             r.firstSeen = CASE WHEN r.firstSeen IS NULL OR first < r.firstSeen THEN coalesce(first, r.firstSeen)
                                ELSE r.firstSeen END,
             r.lastSeen = CASE WHEN r.lastSeen IS NULL OR last > r.lastSeen THEN coalesce(last, r.lastSeen)
                               ELSE r.lastSeen END
