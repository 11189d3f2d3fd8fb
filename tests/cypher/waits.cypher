// How long deliveries wait for their next attempt.
// Parameters: $webhook (id)
// Returns: seconds; one row a delivery
MATCH (d:Delivery {webhook: $webhook, state: 'pending'})
RETURN (d.nextAt.epochMillis - datetime().epochMillis) / 1000.0 AS seconds
