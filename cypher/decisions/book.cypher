// All decisions, which identities are in whose clusters, and the version of the book, in one reading.
// Parameters: none
// Returns: one row: version, decisions (maps, times in milliseconds), mergers (maps of id, into, number)
OPTIONAL MATCH (b:DecisionBook {name: 'decisions'})
WITH coalesce(b.version, 0) AS version
CALL () {
  MATCH (d:Decision)
  RETURN collect(d {.*, at: d.at.epochMillis, undoneAt: d.undoneAt.epochMillis}) AS decisions
}
CALL () {
  MATCH (c:Dormant|Merged)
  WHERE c.mergedInto IS NOT NULL
  RETURN collect({id: c.id, into: c.mergedInto, number: c.mergedNumber}) AS mergers
}
RETURN version, decisions, mergers
