// How many events before a moment may go: every webhook has looked at them, and none still has to send them.
// Parameters: $before (datetime)
// Returns: events; one row
OPTIONAL MATCH (w:Webhook)
WITH min(w.position) AS position
OPTIONAL MATCH (d:Delivery {state: 'pending'})
WITH position, min(d.number) AS waiting
MATCH (e:Event)
WHERE e.at < $before AND (position IS NULL OR e.number <= position) AND (waiting IS NULL OR e.number < waiting)
RETURN count(e) AS events
