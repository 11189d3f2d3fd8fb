// Records that a migration was applied.
// Parameters: $version (int), $name, $checksum (text)
// Returns: nothing
MERGE (m:Migration {version: $version})
ON CREATE SET m.name = $name, m.checksum = $checksum, m.appliedAt = datetime()
