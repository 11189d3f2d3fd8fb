// Takes or renews the lease of the sender of webhooks: one process sends at a time.
// Parameters: $holder (text), $seconds (how long it lasts)
// Returns: holder; no row while another process has it
MERGE (s:WebhookSender {name: 'webhooks'})
// A write takes the lock; only what is read after it is what the others left.
SET s.turn = true
REMOVE s.turn
WITH s
WHERE s.holder IS NULL OR s.holder = $holder OR s.until < datetime()
SET s.holder = $holder, s.until = datetime() + duration({seconds: $seconds})
RETURN s.holder AS holder
