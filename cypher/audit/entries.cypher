// All of the audit log, first to last.
// Parameters: none
// Returns: entry (map)
MATCH (e:AuditEntry)
WITH e
ORDER BY e.number, e.id
RETURN e {.*} AS entry
