// Records what a load of messages wrote, in the transaction that wrote it. The load stays open until addresses are placed.
// Parameters: $load (text, id), $source (text), $accounts, $signals, $edges, $rejected (int)
// Returns: nothing
MATCH (l:Load {id: $load})
SET l.source = $source, l.accounts = $accounts, l.signals = $signals, l.edges = $edges, l.rejected = $rejected
