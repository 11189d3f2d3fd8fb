// Whether the decisions are those that were read. Run after `decisions/turn` or `publish/turn`, which have the lock: a reading without it
// may see the version of a commit before it sees the decision of that commit.
// Parameters: $decisions (how many were read), $changes (sum of the numbers of their last changes)
// Returns: one row when they are, none otherwise
MATCH (d:Decision)
WITH count(d) AS decisions,
     sum(CASE WHEN coalesce(d.undoneNumber, 0) > d.number THEN d.undoneNumber ELSE d.number END) AS changes
WHERE decisions = $decisions AND changes = $changes
RETURN decisions
