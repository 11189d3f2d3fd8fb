// Tells whether no webhook has a name. Follows `audit/turn` in its transaction, which lets one write at a time.
// Parameters: $name
// Returns: one row when none has it, none otherwise
OPTIONAL MATCH (w:Webhook {name: $name})
WITH count(w) AS webhooks
WHERE webhooks = 0
RETURN webhooks
