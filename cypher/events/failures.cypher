// Writes the event of each run that was marked failed, in the transaction that marked it.
// Parameters: none
// Returns: nothing
MERGE (b:EventBook {name: 'events'})
ON CREATE SET b.number = 0
SET b.turn = true
REMOVE b.turn
WITH b
MATCH (r:DetectionRun {unannounced: true})
WHERE NOT EXISTS { MATCH (:Event {id: r.id + '_failed'}) }
WITH b, r
ORDER BY r.id
WITH b, collect(r) AS failed
WITH b, failed, b.number AS last
SET b.number = last + size(failed)
WITH failed, last
UNWIND range(0, size(failed) - 1) AS i
WITH failed[i] AS r, last + i + 1 AS number
REMOVE r.unannounced
CREATE (e:Event {id: r.id + '_failed'})
SET e.number = number, e.at = datetime(), e.type = 'run.failed', e.subject = r.id, e.related = '', e.runId = r.id, e.error = r.error
