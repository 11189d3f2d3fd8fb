// Ends the quiet hours of all webhooks.
// Parameters: none
// Returns: nothing
MATCH (w:Webhook)
SET w.quiet = ''
