// The number of the last load.
// Parameters: none
// Returns: number; one row
OPTIONAL MATCH (b:LoadBook {name: 'loads'})
RETURN coalesce(b.last, 0) AS number
