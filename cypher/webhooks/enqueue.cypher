// Queues events for a webhook, and records how far it has looked. Follows `webhooks/lease` in its transaction.
// Parameters: $webhook (id), $events (maps of those that it wants: id, and rules that selected it or null), $position (number of the
//   last event that was looked at)
// Returns: nothing
MATCH (w:Webhook {id: $webhook})
SET w.position = CASE WHEN w.position < $position THEN $position ELSE w.position END
WITH w
UNWIND $events AS wanted
MATCH (e:Event {id: wanted.id})
MERGE (d:Delivery {key: w.id + '/' + wanted.id})
ON CREATE SET d.webhook = w.id, d.number = e.number, d.state = 'pending', d.attempts = 0, d.queuedAt = datetime(), d.nextAt = datetime(),
              d.rules = wanted.rules
MERGE (d)-[:OF]->(e)
