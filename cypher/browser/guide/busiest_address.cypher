// The address that most accounts were seen at: a gateway of a carrier, an office, a public tunnel.
// Parameters: none
// Returns: signal (key); one row
MATCH (s:IpAddress)
RETURN s.key AS signal
ORDER BY COUNT { (s)<-[:SEEN_AT]-() } DESC, s.key
LIMIT 1
