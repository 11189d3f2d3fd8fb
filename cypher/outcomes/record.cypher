// Writes outcomes, each once by its id; one whose account is unknown is left out. What the exporter says of an account's
// status is put aside before the first outcome, so that it can come back. Locks the book of loads before any account, as
// `outcomes/settle` does.
// Parameters: parallel lists $id, $account_id, $kind, $at (ms since 1970), $by, $reason (text or null), $status (text or null);
//   $recorded_by (text), $call (id of the call or load that brings them)
// Returns: nothing
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
SET b.locked = true
REMOVE b.locked
WITH b
UNWIND range(0, size($id) - 1) AS i
WITH $id[i] AS id, $account_id[i] AS account, $kind[i] AS kind, $at[i] AS at, $by[i] AS by, $reason[i] AS reason, $status[i] AS status
MATCH (a:Account {id: account})
MERGE (o:Outcome {id: id})
ON CREATE SET o.account = account, o.kind = kind, o.at = datetime({epochMillis: at}), o.by = by, o.reason = reason,
              o.status = status, o.recordedAt = datetime(), o.recordedBy = $recorded_by, o.call = $call
WITH a, o
// The id may be that of another account's outcome, which stays as it is.
WHERE o.account = a.id
FOREACH (_ IN CASE WHEN a.exportedStatus IS NULL THEN [1] ELSE [] END |
  SET a.exportedStatus = a.status, a.exportedStatusChangedAt = a.statusChangedAt)
MERGE (a)-[:HAD_OUTCOME]->(o)
