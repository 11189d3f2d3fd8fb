// Lets the time of the next attempt of each delivery come, and makes all of them older.
// Parameters: $back_seconds (int)
// Returns: nothing
MATCH (d:Delivery {state: 'pending'})
SET d.nextAt = datetime() - duration({seconds: 1}), d.queuedAt = d.queuedAt - duration({seconds: $back_seconds})
