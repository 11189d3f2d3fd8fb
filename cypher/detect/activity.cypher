// All hourly traffic, packed into few records.
// Parameters: none
// Returns: account (node id), hour (since 1970), model ('' = not given), requests; parallel lists
MATCH (a:Account)-[:HAD_TRAFFIC]->(t:Activity)
UNWIND range(0, size(t.hours) - 1) AS i
RETURN id(a) / 10000 AS pack, collect(id(a)) AS account, collect(t.hours[i]) AS hour, collect(t.models[i]) AS model,
       collect(t.requests[i]) AS requests
