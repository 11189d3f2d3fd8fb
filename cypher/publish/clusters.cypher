// Stages clusters of a run beside what is published.
// Parameters: $run (text), parallel lists $id, $score, $coordination (0-1), $assessment (campaign, likely_business), $size,
//   $bits, $families (lists of text), $first_seen, $last_seen (ms since 1970), $summary, $parts (JSON), $rank
// Returns: nothing
UNWIND range(0, size($id) - 1) AS i
WITH $id[i] AS id, $score[i] AS score, $coordination[i] AS coordination, $assessment[i] AS assessment,
     $size[i] AS size, $bits[i] AS bits, $families[i] AS families,
     $first_seen[i] AS firstSeen, $last_seen[i] AS lastSeen, $summary[i] AS summary, $parts[i] AS parts, $rank[i] AS rank
MERGE (c:StagedCluster {key: $run + '/' + id})
SET c.id = id, c.run = $run, c.score = score, c.coordination = coordination, c.assessment = assessment,
    c.size = size, c.bits = bits, c.families = families,
    c.firstSeen = datetime({epochMillis: firstSeen}), c.lastSeen = datetime({epochMillis: lastSeen}),
    c.summary = summary, c.scoreParts = parts, c.rank = rank, c.status = 'open'
