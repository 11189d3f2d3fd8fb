// Removes the record of a migration. For tests of the refusals.
// Parameters: $version (int)
// Returns: nothing
MATCH (m:Migration {version: $version})
DELETE m
