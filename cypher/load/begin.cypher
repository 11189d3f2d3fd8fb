// Opens the book of a load under the next number, or finds it open or closed from before. Numbers are given one at a
// time, and a load keeps its number until it is reopened: while it is open, nobody has taken its number for read.
// Parameters: $id (text), $bundle (text)
// Returns: number (null for a load closed before loads had numbers), finishedAt (null while the load is not complete); one row
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
SET b.locked = true
REMOVE b.locked
WITH b
MERGE (l:Load {id: $id})
ON CREATE SET l.bundle = $bundle, l.startedAt = datetime()
WITH l, b, b.last + 1 AS next
FOREACH (_ IN CASE WHEN l.number IS NULL AND l.finishedAt IS NULL THEN [1] ELSE [] END |
  SET b.last = next, l.number = next)
RETURN l.number AS number, l.finishedAt AS finishedAt
