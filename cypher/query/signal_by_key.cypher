// Signals by key.
// Parameters: $ids (keys)
// Returns: owner (the key), signal (map), degree (accounts that use it); no row for an unknown key
UNWIND $ids AS owner
MATCH (s:Signal {key: owner})
RETURN owner, s {.*} AS signal,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
