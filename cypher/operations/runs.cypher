// How many detection runs there are, for the metrics.
// Parameters: none
// Returns: a row a status: status, runs, age (seconds since the last of this status was finished, of `published` alone; else null)
MATCH (r:DetectionRun)
WITH r.status AS status, count(r) AS runs, max(r.finishedAt) AS finished
RETURN status, runs,
  CASE status WHEN 'published' THEN datetime().epochSeconds - finished.epochSeconds END AS age
