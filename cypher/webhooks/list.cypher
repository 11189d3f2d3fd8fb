// All webhooks, or one, with the numbers of their deliveries.
// Parameters: $id (or null for all)
// Returns: webhook (map, times in milliseconds), in order of their addition
MATCH (w:Webhook)
WHERE $id IS NULL OR w.id = $id
WITH w
ORDER BY w.createdAt, w.id
CALL (w) {
  OPTIONAL MATCH (d:Delivery {webhook: w.id})
  RETURN count(CASE WHEN d.state = 'pending' THEN 1 END) AS pending, count(CASE WHEN d.state = 'delivered' THEN 1 END) AS delivered,
         count(CASE WHEN d.state = 'dead' THEN 1 END) AS dead
}
RETURN w {.*, createdAt: w.createdAt.epochMillis, pending: pending, delivered: delivered, dead: dead, last_status: w.lastStatus} AS webhook
