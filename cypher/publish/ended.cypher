// Says of identities that a run did not find what became of them.
// Parameters: $run (text), $number (of the mergers, in the count of decisions), parallel lists $id, $kind (dormant, merged),
//   $says, $into (the identity in whose cluster most of its accounts are now, '' = none)
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $id[i] AS id, $kind[i] AS kind, $into[i] AS into, $says[i] AS says
MATCH (c:Identity {id: id})
FOREACH (_ IN CASE WHEN kind = 'dormant' THEN [1] ELSE [] END |
  SET c:Dormant, c.dormantRun = $run, c.dormantAt = datetime(), c.dormantSays = says)
FOREACH (_ IN CASE WHEN kind = 'merged' THEN [1] ELSE [] END | SET c:Merged)
FOREACH (_ IN CASE WHEN into <> '' THEN [1] ELSE [] END |
  SET c.mergedInto = into, c.mergedNumber = $number, c.mergedAt = datetime())
