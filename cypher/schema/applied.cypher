// Migrations that this database has seen.
// Parameters: none
// Returns: version, checksum; one row a migration, in order
MATCH (m:Migration)
RETURN m.version AS version, m.checksum AS checksum
ORDER BY version
