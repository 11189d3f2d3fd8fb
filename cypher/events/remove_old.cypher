// Removes the events up to the number that `events/mark_removed` says, with their deliveries.
// Parameters: none
// Returns: nothing
MATCH (b:EventBook {name: 'events'})
MATCH (e:Event)
WHERE e.number <= b.removed
CALL (e) {
  OPTIONAL MATCH (d:Delivery)-[:OF]->(e)
  DETACH DELETE d, e
} IN TRANSACTIONS OF 10000 ROWS
