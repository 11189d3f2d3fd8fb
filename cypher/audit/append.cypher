// Appends an entry to the audit log; what is in it stays as it is.
// Parameters: $id, $number, $at (datetime), $actor, $role, $action, $subject, $reason, $request, $details (JSON),
//   $before, $hash, $signature, $signer (hex)
// Returns: nothing
CREATE (e:AuditEntry {id: $id, number: $number, at: $at, actor: $actor, role: $role, action: $action,
                      subject: $subject, reason: $reason, request: $request, details: $details,
                      before: $before, hash: $hash, signature: $signature, signer: $signer})
