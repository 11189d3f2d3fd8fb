// Up to which number retention removed events.
// Parameters: none
// Returns: removed; one row
OPTIONAL MATCH (b:EventBook {name: 'events'})
RETURN coalesce(b.removed, 0) AS removed
