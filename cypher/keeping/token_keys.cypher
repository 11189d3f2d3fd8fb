// How many signals have tokens of which key.
// Parameters: $raw (kinds that are no tokens)
// Returns: key (id), signals; one row a key
MATCH (s:Signal)
WHERE NOT s.kind IN $raw
RETURN split(s.value, '.')[0] AS key, count(s) AS signals
ORDER BY key
