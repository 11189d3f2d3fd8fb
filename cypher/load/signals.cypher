// Writes the distinct values of one signal kind.
// Parameters: $label (text, the label beside :Signal), parallel lists $key, $kind, $value; $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $kind[i] AS kind, $value[i] AS value
MERGE (s:Signal {key: key})
ON CREATE SET s.kind = kind, s.value = value, s.touched = $number, s:$($label)
