// How much there is, out of the count store.
// Parameters: none
// Returns: accounts, signals, clusters, members; one row
CALL () { MATCH (a:Account) RETURN count(a) AS accounts }
CALL () { MATCH (s:Signal) RETURN count(s) AS signals }
CALL () { MATCH (c:Cluster) RETURN count(c) AS clusters }
CALL () { MATCH ()-[m:MEMBER_OF]->(:Cluster) RETURN count(m) AS members }
RETURN accounts, signals, clusters, members
