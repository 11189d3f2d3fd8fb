// Ranges of addresses within a wider one, by key: seeks those that begin alike, and compares the groups of digits of each,
// filled up with zeros, with the first and the last one.
// Parameters: $stem (text), $separator, $groups (how many), $zeros (as many as a group has digits), $low, $high (text), $limit
// Returns: cidr, address (key of one in it), system (map, or null: not known)
MATCH (p:Prefix)
USING INDEX p:Prefix(key)
WHERE p.key STARTS WITH $stem
WITH p, split(split(p.key, '/')[0], $separator) AS parts
WITH p, reduce(all = '', i IN range(0, $groups - 1) | all + right($zeros + coalesce(parts[i], ''), size($zeros))) AS place
WHERE place >= $low AND place <= $high
WITH p
ORDER BY p.key
LIMIT $limit
RETURN p.key AS cidr, head([(p)<-[:IN]-(s:Signal) | s.key]) AS address,
       head(COLLECT { MATCH (p)-[:ANNOUNCED_BY]->(n:AutonomousSystem) RETURN n {.*} ORDER BY n.asn }) AS system
