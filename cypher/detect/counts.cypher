// How much there is to read, from the database's own counters.
// Parameters: none
// Returns: accounts, signals, edges, months (accounts' months of traffic); one row
CALL () { MATCH (a:Account) RETURN count(a) AS accounts }
CALL () { MATCH (s:Signal) RETURN count(s) AS signals }
CALL () { MATCH ()-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->() RETURN count(r) AS edges }
CALL () { MATCH ()-[t:HAD_TRAFFIC]->() RETURN count(t) AS months }
RETURN accounts, signals, edges, months
