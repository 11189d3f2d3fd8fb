// 4. What holds a cluster together? The signals it shares, strongest first, and how many others use them.
// Parameters: $cluster (id)
// Returns: signal (key), kind, members, share, accounts_in_all, bits; one row a signal
MATCH (:Cluster {id: $cluster})-[h:SHARES]->(s:Signal)
RETURN s.key AS signal, s.kind AS kind, h.accounts AS members, round(h.share, 3) AS share,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(:Account) } AS accounts_in_all,
       round(h.bits, 1) AS bits
ORDER BY h.rank
LIMIT 50
