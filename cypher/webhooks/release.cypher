// Gives the lease of the sender back.
// Parameters: $holder
// Returns: nothing
MATCH (s:WebhookSender {name: 'webhooks', holder: $holder})
REMOVE s.holder, s.until
