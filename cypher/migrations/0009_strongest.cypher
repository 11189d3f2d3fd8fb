// A membership names the signal that adds most to it, so that a large cluster is grouped without weighing it again.
// Parameters: none
// Returns: nothing
MATCH ()-[m:MEMBER_OF]->()
WHERE m.signals IS NOT NULL
SET m.strongest = reduce(best = ['', 0.0], i IN range(0, size(m.signals) - 1) |
      CASE WHEN m.signals[i] <> '' AND m.familyBits[i] > best[1] THEN [m.signals[i], m.familyBits[i]] ELSE best END)[0];
