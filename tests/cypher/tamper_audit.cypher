// Changes the audit log as one might who may write to the database. For tests of `audit verify`.
// Parameters: $number (of an entry); $delete (boolean); $set (map of properties)
// Returns: nothing
MATCH (e:AuditEntry {number: $number})
SET e += $set
WITH e
WHERE $delete
DELETE e
