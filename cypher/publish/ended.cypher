// Says of identities that a run did not find what became of them.
// Parameters: $run (text), $number (of the mergers, in the count of decisions), parallel lists $id, $says,
//   $into (the identity it is part of now, '' = none: dormant)
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $id[i] AS id, $into[i] AS into, $says[i] AS says
MATCH (c:Identity {id: id})
FOREACH (_ IN CASE WHEN into = '' THEN [1] ELSE [] END |
  SET c:Dormant, c.dormantRun = $run, c.dormantAt = datetime(), c.dormantSays = says)
FOREACH (_ IN CASE WHEN into <> '' THEN [1] ELSE [] END |
  SET c:Merged, c.mergedInto = into, c.mergedNumber = $number, c.mergedAt = datetime())
