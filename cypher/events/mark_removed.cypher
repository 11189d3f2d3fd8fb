// Says up to which number events are removed, before any of them is: see `events/old`.
// Parameters: $before (datetime)
// Returns: nothing
MATCH (b:EventBook {name: 'events'})
OPTIONAL MATCH (w:Webhook)
WITH b, min(w.position) AS position
OPTIONAL MATCH (d:Delivery {state: 'pending'})
WITH b, position, min(d.number) AS waiting
MATCH (e:Event)
WHERE e.at < $before AND (position IS NULL OR e.number <= position) AND (waiting IS NULL OR e.number < waiting)
WITH b, max(e.number) AS last
WHERE last > coalesce(b.removed, 0)
SET b.removed = last
