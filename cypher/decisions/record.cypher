// Records decisions; what is recorded stays as it is.
// Parameters: parallel lists $id, $number, $cluster, $origin, $verdict, $by, $at (datetimes), $note, $size,
//   $copied_from (id or null), and $run (the run that copied them, or null)
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH i, $id[i] AS id
MERGE (d:Decision {id: id})
ON CREATE SET d.number = $number[i], d.cluster = $cluster[i], d.origin = $origin[i], d.verdict = $verdict[i],
              d.by = $by[i], d.at = $at[i], d.note = $note[i], d.size = $size[i], d.copiedFrom = $copied_from[i],
              d.run = $run
