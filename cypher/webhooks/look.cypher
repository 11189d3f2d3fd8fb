// Whether the sender has anything to do.
// Parameters: none
// Returns: behind (webhooks that have not looked at the last event), due (deliveries that may be tried); one row
OPTIONAL MATCH (b:EventBook {name: 'events'})
WITH coalesce(b.number, 0) AS last
CALL (last) {
  MATCH (w:Webhook)
  WHERE w.position < last
  RETURN count(w) AS behind
}
CALL () {
  MATCH (d:Delivery {state: 'pending'})
  WHERE d.nextAt <= datetime()
  RETURN count(d) AS due
}
RETURN behind, due
