// What accounts use, a record a pack.
// Parameters: $packs (list of maps: number, nodes (list of ids of accounts))
// Returns: pack (its number); account (ids), and parallel to it lists of signal (ids), first_seen, last_seen (ms since 1970,
//   -1 = not known)
UNWIND $packs AS pack
CALL (pack) {
  UNWIND pack.nodes AS node
  MATCH (a:Account)
  WHERE id(a) = node
  MATCH (a)-[r:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]->(s)
  WITH node, collect(id(s)) AS signal, collect(coalesce(r.firstSeen.epochMillis, -1)) AS first_seen,
       collect(coalesce(r.lastSeen.epochMillis, -1)) AS last_seen
  RETURN collect(node) AS account, collect(signal) AS signal, collect(first_seen) AS first_seen,
         collect(last_seen) AS last_seen
}
RETURN pack.number AS pack, account, signal, first_seen, last_seen
