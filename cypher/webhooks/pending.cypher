// The deliveries that wait for a webhook, in order.
// Parameters: $webhook (id), $after (number of an event), $limit
// Returns: key, attempts, is_due, age (seconds), rules (or null), event (map)
MATCH (d:Delivery {webhook: $webhook, state: 'pending'})
WHERE d.number > $after
WITH d
ORDER BY d.number
LIMIT $limit
MATCH (d)-[:OF]->(e:Event)
RETURN d.key AS key, d.attempts AS attempts, d.nextAt <= datetime() AS is_due,
       (datetime().epochMillis - d.queuedAt.epochMillis) / 1000.0 AS age, d.rules AS rules,
       e {.*, at: e.at.epochMillis} AS event
ORDER BY d.number
