// How much there is to read beside edges, from the database's own counters.
// Parameters: none
// Returns: accounts, signals, months (accounts' months of traffic); one row
CALL () { MATCH (a:Account) RETURN count(a) AS accounts }
CALL () { MATCH (s:Signal) RETURN count(s) AS signals }
CALL () { MATCH ()-[t:HAD_TRAFFIC]->() RETURN count(t) AS months }
RETURN accounts, signals, months
