// The addresses, devices, cards and phone numbers that accounts use, in packs; one of several packs is in each of them.
// Parameters: $packs (lists of account ids)
// Returns: signal (key), kind, class ('' = none), degree (all who use it), inside (of these accounts); parallel lists
UNWIND range(0, size($packs) - 1) AS pack
CALL (pack) {
  UNWIND $packs[pack] AS id
  MATCH (:Account {id: id})-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH]->(s:PaymentInstrument|IpAddress|Device|Phone)
  WITH s, count(*) AS inside
  RETURN collect(s.key) AS signal, collect(s.kind) AS kind, collect(coalesce(s.networkClass, '')) AS class,
         collect(COUNT { (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-() }) AS degree,
         collect(inside) AS inside
}
RETURN pack, signal, kind, class, degree, inside
