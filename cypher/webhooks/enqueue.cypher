// Queues events for a webhook, and records how far it has looked. Follows `webhooks/lease` in its transaction.
// Parameters: $webhook (id), $events (ids that it wants), $position (number of the last event that was looked at)
// Returns: nothing
MATCH (w:Webhook {id: $webhook})
SET w.position = CASE WHEN w.position < $position THEN $position ELSE w.position END
WITH w
UNWIND $events AS id
MATCH (e:Event {id: id})
MERGE (d:Delivery {key: w.id + '/' + id})
ON CREATE SET d.webhook = w.id, d.number = e.number, d.state = 'pending', d.attempts = 0, d.queuedAt = datetime(), d.nextAt = datetime()
MERGE (d)-[:OF]->(e)
