// Takes away an account, or the first use that it has of anything, as somebody may by hand. For tests.
// Parameters: $account (id), $what (account, edge)
// Returns: nothing
MATCH (a:Account {id: $account})
OPTIONAL MATCH (a)-[r]->(:Signal)
WITH a, head(collect(r)) AS first
FOREACH (_ IN CASE WHEN $what = 'edge' THEN [1] ELSE [] END | DELETE first)
FOREACH (_ IN CASE WHEN $what = 'account' THEN [1] ELSE [] END | DETACH DELETE a)
