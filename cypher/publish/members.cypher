// Attaches accounts to staged clusters.
// Parameters: $run (text), parallel lists $cluster, $account (ids), $membership, $bits, $tenure (float),
//   $families, $family_bits, $signals, $sharers (parallel lists each: what each family adds, its strongest signal's key
//   or '', and how many other members have that)
// Returns: nothing
UNWIND range(0, size($account) - 1) AS i
WITH $run + '/' + $cluster[i] AS key, $account[i] AS account, $membership[i] AS membership, $bits[i] AS bits,
     $families[i] AS families, $family_bits[i] AS familyBits, $signals[i] AS signals,
     $sharers[i] AS sharers, $tenure[i] AS tenure
MATCH (c:StagedCluster {key: key})
MATCH (a:Account {id: account})
MERGE (a)-[m:MEMBER_OF]->(c)
SET m.membership = membership, m.bits = bits, m.families = families, m.familyBits = familyBits,
    m.strongest = reduce(best = ['', 0.0], j IN range(0, size(signals) - 1) |
      CASE WHEN signals[j] <> '' AND familyBits[j] > best[1] THEN [signals[j], familyBits[j]] ELSE best END)[0],
    m.signals = signals, m.sharers = sharers, m.tenure = tenure, m.run = $run, m.since = coalesce(m.since, datetime())
