// The marks of a source: how far each part of it was read.
// Parameters: $source (text)
// Returns: part, kind, value, column (null for offsets); one row a mark, by part
MATCH (m:SourceMark)
WHERE m.source = $source
RETURN m.part AS part, m.kind AS kind, m.value AS value, m.column AS column
ORDER BY part
