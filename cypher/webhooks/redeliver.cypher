// Queues deliveries again: those that were given up, and those that wait, or that of one event whatever became of it.
// Parameters: $webhook (id), $event (id, or null for all that were given up or wait)
// Returns: deliveries; no row when there are none
MATCH (d:Delivery {webhook: $webhook})
WHERE ($event IS NULL AND d.state IN ['dead', 'pending']) OR d.key = $webhook + '/' + $event
SET d.state = 'pending', d.attempts = 0, d.queuedAt = datetime(), d.nextAt = datetime()
WITH count(d) AS deliveries
WHERE deliveries > 0
RETURN deliveries
