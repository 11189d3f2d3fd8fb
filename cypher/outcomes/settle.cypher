// Gives accounts the status of their newest outcome that has one and was not withdrawn, or the exporter's where that is
// newer. Of outcomes at one moment a ban counts, as for statuses in a bundle. Marks the accounts whose status changed with
// the number of the load, or without one with that of the next load, so that the next run reads them.
// Parameters: $account_id (list of text), $number (int, of the load that is open, or null)
// Returns: nothing
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
SET b.locked = true
REMOVE b.locked
WITH coalesce($number, b.last + 1) AS number
UNWIND $account_id AS id
MATCH (a:Account {id: id})
WHERE a.exportedStatus IS NOT NULL
WITH number, a, head(COLLECT {
  MATCH (a)-[:HAD_OUTCOME]->(o:Outcome)
  WHERE o.status IS NOT NULL AND o.withdrawnAt IS NULL
  RETURN o
  ORDER BY o.at DESC, o.status DESC, o.id
  LIMIT 1
}) AS newest
WITH number, a, newest,
     newest IS NOT NULL AND (a.exportedStatusChangedAt IS NULL OR newest.at >= a.exportedStatusChangedAt) AS counts
WITH number, a, CASE WHEN counts THEN newest.status ELSE a.exportedStatus END AS status,
     CASE WHEN counts THEN newest.at ELSE a.exportedStatusChangedAt END AS since
WHERE a.status <> status OR coalesce(a.statusChangedAt <> since, a.statusChangedAt IS NOT NULL OR since IS NOT NULL)
SET a.status = status, a.statusChangedAt = since,
    a.touched = CASE WHEN a.touched > number THEN a.touched ELSE number END
