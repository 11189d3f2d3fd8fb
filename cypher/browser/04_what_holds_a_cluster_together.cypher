// 04. What holds a cluster together? The signals it shares, strongest first, and how many others use them.
// Parameters: $cluster (id)
// Returns: kind, members, accounts_in_all, bits, signal (key), share (of the members); one row a signal
MATCH (:Cluster {id: $cluster})-[h:SHARES]->(s:Signal)
RETURN s.kind AS kind, h.accounts AS members,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(:Account) } AS accounts_in_all,
       round(h.bits, 1) AS bits, s.key AS signal, round(h.share, 3) AS share
ORDER BY h.rank
LIMIT 50
