// Marks the runs whose members are not kept any more: superseded, and not among the last ones. Before anything of them goes.
// Parameters: $keep (int, superseded runs that keep theirs)
// Returns: nothing
MATCH (r:DetectionRun {status: 'superseded'})
WITH r
ORDER BY r.startedAt DESC, r.id
SKIP $keep
WHERE r.membersRemovedAt IS NULL
SET r.membersRemovedAt = datetime()
