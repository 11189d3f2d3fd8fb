// Keys of the audit log: one entry a number, so that the chain cannot fork.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT audit_book_name IF NOT EXISTS FOR (n:AuditBook) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT audit_entry_number IF NOT EXISTS FOR (n:AuditEntry) REQUIRE n.number IS UNIQUE;
CREATE CONSTRAINT audit_entry_id IF NOT EXISTS FOR (n:AuditEntry) REQUIRE n.id IS UNIQUE;
