// The turn of one who commits marks of a source: locks it, and checks that its marks are still those that were read.
// Parameters: $source (text), $marks (map of part to the text of its mark, '' for none)
// Returns: source; no row where another one committed meanwhile
MERGE (s:Source {name: $source})
// A write takes the lock; only what is read after it is what the others left.
SET s.locked = true
REMOVE s.locked
WITH s
OPTIONAL MATCH (m:SourceMark)
WHERE m.source = $source
WITH s, collect(m {.part, .value}) AS now
WHERE all(part IN keys($marks) WHERE coalesce(head([m IN now WHERE m.part = part | m.value]), '') = $marks[part])
RETURN s.name AS source
