// Removes a webhook with the records of its deliveries.
// Parameters: $id
// Returns: id; no row when there is none
MATCH (w:Webhook {id: $id})
OPTIONAL MATCH (d:Delivery {webhook: $id})
DETACH DELETE d
WITH DISTINCT w, $id AS id
DELETE w
RETURN id
