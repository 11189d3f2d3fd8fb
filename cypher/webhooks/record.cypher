// Records what came of an attempt. Follows `webhooks/lease` in its transaction.
// Parameters: $key (of the delivery), $state (pending, delivered, dead), $attempts (that failed), $pause (seconds to the next one),
//   $status (text)
// Returns: nothing
MATCH (d:Delivery {key: $key, state: 'pending'})
SET d.state = $state, d.attempts = $attempts, d.status = $status, d.triedAt = datetime(),
    d.nextAt = datetime() + duration({milliseconds: toInteger($pause * 1000)})
WITH d
WHERE $state <> 'delivered'
MATCH (w:Webhook {id: d.webhook})
SET w.lastStatus = $status
