// All accounts that use each of some signals, in packs. Walks all uses of these signals.
// Parameters: $packs (lists of signal keys)
// Returns: signal (key), account (id); parallel lists, a record a pack
UNWIND range(0, size($packs) - 1) AS pack
CALL (pack) {
  UNWIND $packs[pack] AS key
  MATCH (s:Signal {key: key})
  MATCH (s)<-[:PAID_WITH|SEEN_AT|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  RETURN collect(key) AS signal, collect(a.id) AS account
}
RETURN pack, signal, account
