// Decisions on an account are on the name that stands for it, and their notes as they are given.
// Parameters: $account (id), $name (that stands for it), parallel lists $decision (ids), $note
// Returns: nothing
MATCH (d:Decision)
WHERE d.on IN ['account', 'pair'] AND (d.subject = $account OR d.other = $account)
SET d.origin = CASE d.origin WHEN $account THEN $name ELSE d.origin END,
    d.subject = CASE d.subject WHEN $account THEN $name ELSE d.subject END,
    d.other = CASE d.other WHEN $account THEN $name ELSE d.other END
WITH count(d) AS changed
UNWIND range(0, size($decision) - 1) AS i
WITH $decision[i] AS id, $note[i] AS note
MATCH (d:Decision {id: id})
SET d.note = note
