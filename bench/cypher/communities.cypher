// What an algorithm of GDS wrote to accounts, packed into few records.
// Parameters: none
// Returns: id, community; parallel lists
MATCH (a:Account)
WHERE a.benchCommunity IS NOT NULL
RETURN id(a) / 100000 AS pack, collect(a.id) AS id, collect(a.benchCommunity) AS community
