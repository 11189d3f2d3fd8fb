// Closes the book of a load.
// Parameters: $id (text), $accounts, $signals, $edges, $rejected (int)
// Returns: nothing
MATCH (l:Load {id: $id})
SET l.finishedAt = datetime(), l.accounts = $accounts, l.signals = $signals, l.edges = $edges,
    l.rejected = $rejected
