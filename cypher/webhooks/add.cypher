// Adds a webhook. It is told of what happens from now on.
// Parameters: $id, $properties (map: name, host, format, types, minSize, minGrowth, minScore, followed, quiet, createdBy, sealed),
//   $most (webhooks that there may be)
// Returns: id; no row when there are as many as there may be
OPTIONAL MATCH (w:Webhook)
WHERE w.id <> $id
WITH count(w) AS others
WHERE others < $most
MERGE (b:EventBook {name: 'events'})
ON CREATE SET b.number = 0
SET b.turn = true
REMOVE b.turn
WITH b
MERGE (w:Webhook {id: $id})
ON CREATE SET w += $properties, w.position = b.number, w.createdAt = datetime()
RETURN w.id AS id
