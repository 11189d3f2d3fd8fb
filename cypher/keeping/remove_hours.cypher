// Removes hours of traffic before a moment, and months of which nothing is left.
// Parameters: $hour (since 1970)
// Returns: nothing
MATCH (t:Activity)
WHERE t.hours[0] < $hour
CALL (t) {
  WITH t, [i IN range(0, size(t.hours) - 1) WHERE t.hours[i] >= $hour] AS kept
  FOREACH (_ IN CASE WHEN kept = [] THEN [1] ELSE [] END | DETACH DELETE t)
  FOREACH (_ IN CASE WHEN kept <> [] THEN [1] ELSE [] END |
    SET t.requests = [i IN kept | t.requests[i]], t.models = [i IN kept | t.models[i]], t.hours = [i IN kept | t.hours[i]])
} IN TRANSACTIONS OF 1000 ROWS
