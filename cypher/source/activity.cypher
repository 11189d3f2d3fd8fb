// As load/activity, of messages: requests of an hour and model seen before are added to.
// Parameters: parallel lists $account_id, $month (text YYYY-MM), $hours, $requests (lists of int), $models (lists of text, '' = not given)
// Returns: nothing
UNWIND range(0, size($account_id) - 1) AS i
WITH $account_id[i] AS account, $month[i] AS month, $hours[i] AS hours, $requests[i] AS requests, $models[i] AS models
MATCH (a:Account {id: account})
MERGE (t:Activity {key: account + '|' + month})
ON CREATE SET t.month = month, t.hours = [], t.requests = [], t.models = []
MERGE (a)-[:HAD_TRAFFIC]->(t)
WITH t, [j IN range(0, size(t.hours) - 1) | [t.hours[j], t.models[j], t.requests[j]]]
      + [j IN range(0, size(hours) - 1) | [hours[j], models[j], requests[j]]] AS cells
UNWIND cells AS cell
WITH t, cell[0] AS hour, cell[1] AS model, sum(cell[2]) AS requests
ORDER BY hour, model
WITH t, collect(hour) AS hours, collect(model) AS models, collect(requests) AS requests
SET t.hours = hours, t.models = models, t.requests = requests
