// Removes the hours before a moment from months of traffic that go on after it.
// Parameters: $hour (since 1970)
// Returns: nothing
MATCH (t:Activity)
WHERE t.hours[0] < $hour
CALL (t) {
  WITH t, [i IN range(0, size(t.hours) - 1) WHERE t.hours[i] >= $hour] AS kept
  WITH t, [i IN kept | t.hours[i]] AS hours, [i IN kept | t.requests[i]] AS requests, [i IN kept | t.models[i]] AS models
  SET t.hours = hours, t.requests = requests, t.models = models
} IN TRANSACTIONS OF 1000 ROWS
