// One page of the audit log, newest first. Walks the entries along the index of their numbers until the page is full.
// Parameters: $before (number), $limit; $actor, $action, $subject (also what the details name), $account (another name of
//   the subject), $since (datetime) or null
// Returns: entry (map)
MATCH (e:AuditEntry)
USING INDEX e:AuditEntry(number)
WHERE e.number < $before
  AND ($actor IS NULL OR e.actor = $actor)
  AND ($action IS NULL OR e.action = $action)
  AND ($subject IS NULL OR e.subject IN [$subject, $account] OR e.details CONTAINS $subject OR e.details CONTAINS $account)
  AND ($since IS NULL OR e.at >= $since)
WITH e
ORDER BY e.number DESC
LIMIT $limit
RETURN e {.*} AS entry
