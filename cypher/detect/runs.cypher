// All runs, newest first.
// Parameters: none
// Returns: id, status, engine, seed, startedAt, clusters, members (of campaigns), businesses, accounts, inputHash, resultHash, error; one row a run
MATCH (r:DetectionRun)
RETURN r.id AS id, r.status AS status, r.engine AS engine, r.seed AS seed, r.startedAt AS startedAt,
       r.clusters AS clusters, r.members AS members, r.businesses AS businesses, r.accounts AS accounts,
       r.inputHash AS inputHash, r.resultHash AS resultHash, r.error AS error
ORDER BY r.startedAt DESC, r.id
