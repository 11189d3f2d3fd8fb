// An outcome by its id.
// Parameters: $id
// Returns: outcome (map, times in ms); no row for an unknown id
MATCH (o:Outcome {id: $id})
RETURN o {.*, at: o.at.epochMillis, recordedAt: o.recordedAt.epochMillis, withdrawnAt: o.withdrawnAt.epochMillis} AS outcome
