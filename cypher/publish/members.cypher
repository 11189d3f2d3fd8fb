// Attaches accounts to staged clusters. Creates without a look at what is there, which grows with the runs that are kept:
// `publish/claim` comes first.
// Parameters: $run (text), parallel lists $cluster, $account (ids), $membership, $bits, $tenure (float; null: 1),
//   $families, $family_bits, $signals, $sharers (parallel lists each: what each family adds, its strongest signal's key
//   or '', and how many other members have that), $strongest (key or ''), $since (ms since 1970), $version (of the links that
//   begin at the account; null: none)
// Returns: nothing
UNWIND range(0, size($account) - 1) AS i
// A look-up a cluster, not one a member.
WITH $cluster[i] AS cluster, collect(i) AS rows
MATCH (c:StagedCluster {key: $run + '/' + cluster})
UNWIND rows AS i
MATCH (a:Account {id: $account[i]})
CREATE (a)-[:MEMBER_OF {
  membership: $membership[i], bits: $bits[i], families: $families[i], familyBits: $family_bits[i], signals: $signals[i],
  sharers: $sharers[i], strongest: $strongest[i], tenure: $tenure[i], since: datetime({epochMillis: $since[i]}),
  linksVersion: $version[i]
}]->(c)
