// What there is of outcomes that somebody reports, and whether their accounts are known.
// Parameters: parallel lists $id, $account_id
// Returns: place (in the lists), there (whether the account is), outcome (map, times in ms; null if there is none of this
//   id); one row an outcome
UNWIND range(0, size($id) - 1) AS place
OPTIONAL MATCH (a:Account {id: $account_id[place]})
OPTIONAL MATCH (o:Outcome {id: $id[place]})
RETURN place, a IS NOT NULL AS there, o {.account, .kind, .by, .call, at: o.at.epochMillis} AS outcome
