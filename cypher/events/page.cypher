// One page of the outbox: newest first below a number, or oldest first above it. Walks the index of numbers.
// Parameters: $number, $until (the last of those above), $limit, $types (list), $newest_first (bool)
// Returns: event (map, times in milliseconds)
CALL () {
  WITH *
  WHERE $newest_first
  MATCH (e:Event)
  USING INDEX e:Event(number)
  WHERE e.number < $number AND e.type IN $types
  RETURN e
  ORDER BY e.number DESC
  LIMIT $limit
  UNION ALL
  WITH *
  WHERE NOT $newest_first
  MATCH (e:Event)
  USING INDEX e:Event(number)
  WHERE e.number > $number AND e.number <= $until AND e.type IN $types
  RETURN e
  ORDER BY e.number
  LIMIT $limit
}
RETURN e {.*, at: e.at.epochMillis} AS event
