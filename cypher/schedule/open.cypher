// Opens the record of the schedule, or finds it, and writes down its plan and that a scheduler looks after it. A new one
// counts from the start of the last run that did not fail, or from now.
// Parameters: $plan (text), $seed (text, of the installation), $now (datetime)
// Returns: nothing
MERGE (s:Schedule {name: 'detection'})
SET s.turn = true
REMOVE s.turn
WITH s, s.since IS NULL AS new
OPTIONAL MATCH (r:DetectionRun)
WHERE new AND r.status IN ['running', 'published', 'superseded']
WITH s, new, max(r.startedAt) AS last
FOREACH (_ IN CASE WHEN new THEN [1] ELSE [] END | SET s.since = coalesce(last, $now), s.slot = last)
SET s.plan = $plan, s.jitterSeed = $seed
