// Signals of these keys, and of this value: a token or a domain.
// Parameters: $keys (list), $value (or null), $limit (of those by value)
// Returns: place (of the key in the list; null: found by its value), signal (map), degree (accounts that use it); by key
CALL () {
  UNWIND range(0, size($keys) - 1) AS place
  MATCH (s:Signal {key: $keys[place]})
  RETURN s, place
  UNION ALL
  MATCH (s:Signal)
  USING INDEX s:Signal(value)
  WHERE s.value = $value
  RETURN s, null AS place
  ORDER BY s.key
  LIMIT $limit
}
WITH s, min(place) AS place
RETURN place, s {.*} AS signal,
       COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() } AS degree
ORDER BY s.key
