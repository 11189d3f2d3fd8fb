// How many entries the audit log says it has.
// Parameters: none
// Returns: number; no row before the first entry
MATCH (b:AuditBook {name: 'audit'})
RETURN b.number AS number
