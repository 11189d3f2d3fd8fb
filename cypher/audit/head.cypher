// The last entry of the audit log.
// Parameters: $id (of an entry)
// Returns: number, hash, there (whether the entry of that id is in the log); no row for an empty log
MATCH (b:AuditBook {name: 'audit'})
MATCH (e:AuditEntry {number: b.number})
RETURN e.number AS number, e.hash AS hash, EXISTS { MATCH (:AuditEntry {id: $id}) } AS there
