// How many hours of traffic there are before a moment.
// Parameters: $hour (since 1970)
// Returns: hours; one row
MATCH (t:Activity)
WHERE t.hours[0] < $hour
RETURN sum(size([each IN t.hours WHERE each < $hour])) AS hours
