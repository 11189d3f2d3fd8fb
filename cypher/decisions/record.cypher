// Records decisions; what is recorded stays as it is.
// Parameters: parallel lists $id, $number, $subject, $other, $origin, $on, $topic, $strand, $value, $by, $at (datetimes),
//   $note, $size, $copied_from (id or null), and $run (the run that copied them, or null)
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH i, $id[i] AS id
MERGE (d:Decision {id: id})
ON CREATE SET d.number = $number[i], d.subject = $subject[i], d.other = $other[i], d.origin = $origin[i], d.on = $on[i],
              d.topic = $topic[i], d.strand = $strand[i], d.value = $value[i], d.by = $by[i], d.at = $at[i],
              d.note = $note[i], d.size = $size[i], d.copiedFrom = $copied_from[i], d.run = $run
