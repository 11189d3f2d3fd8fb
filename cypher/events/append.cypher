// Writes events into the outbox, in the transaction of what they tell of. One that is there already stays as it is.
// Parameters: $events (maps of id, type, subject, related, data), in order
// Returns: nothing
MERGE (b:EventBook {name: 'events'})
ON CREATE SET b.number = 0
// A write takes the lock to the end of the transaction, so numbers rise in the order of commits.
SET b.turn = true
REMOVE b.turn
WITH b
UNWIND $events AS event
WITH b, event
WHERE NOT EXISTS { MATCH (:Event {id: event.id}) }
WITH b, collect(event) AS fresh
WITH b, fresh, b.number AS last
SET b.number = last + size(fresh)
WITH fresh, last
UNWIND range(0, size(fresh) - 1) AS i
WITH fresh[i] AS event, last + i + 1 AS number
CREATE (e:Event {id: event.id})
SET e += event.data
SET e.number = number, e.at = datetime(), e.type = event.type, e.subject = event.subject, e.related = event.related
