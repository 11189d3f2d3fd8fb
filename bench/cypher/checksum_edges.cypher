// Every relationship that loading writes, to compare two graphs.
// Parameters: none
// Returns: type, from, to (the ends' keys), properties (map); one row a relationship, in no order
MATCH (a:Account|Signal|Prefix)-[r]->(b)
WHERE NOT r:MEMBER_OF AND NOT r:LINKED AND NOT r:FOLLOWS
RETURN type(r) AS type, coalesce(a.id, a.key) AS from, coalesce(b.id, b.key, toString(b.asn)) AS to,
       properties(r) AS properties
