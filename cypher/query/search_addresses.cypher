// Addresses in one range, by key.
// Parameters: $range (CIDR: /24 or /64), $keys (only these; null: all), $limit
// Returns: signal (map), degree (accounts that use it)
MATCH (:Prefix {key: $range})<-[:IN]-(s:Signal)
WHERE $keys IS NULL OR s.key IN $keys
WITH s
ORDER BY s.key
LIMIT $limit
RETURN s {.*} AS signal, COUNT { (s)<-[:SEEN_AT]-() } AS degree
