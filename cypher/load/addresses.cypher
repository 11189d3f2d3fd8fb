// Puts addresses into their prefixes.
// Parameters: parallel lists $key (of the address), $prefix (CIDR); $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $prefix[i] AS prefix
MATCH (s:Signal {key: key})
MATCH (p:Prefix {key: prefix})
MERGE (s)-[:IN]->(p)
ON CREATE SET s.touched = $number
