// Sets the marks of a source, in the transaction of what was read up to them.
// Parameters: $source (text), parallel lists $part, $kind, $value (text), $column (text or null)
// Returns: nothing
UNWIND range(0, size($part) - 1) AS i
MERGE (m:SourceMark {key: $source + ' ' + $part[i]})
SET m.source = $source, m.part = $part[i], m.kind = $kind[i], m.value = $value[i], m.column = $column[i],
    m.committedAt = datetime()
