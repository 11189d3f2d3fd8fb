// How many events wait for their delivery to a webhook, and how many were given up, for the metrics.
// Parameters: none
// Returns: pending, dead; one row
RETURN COUNT { (:Delivery {state: 'pending'}) } AS pending, COUNT { (:Delivery {state: 'dead'}) } AS dead
