// Signals whose raw value came by again move from a token of an earlier key to one of the current key. Where both are
// there, the uses of the two become one, as when an observation is loaded again.
// Parameters: parallel lists $former, $key (keys of signals); $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($former) - 1) AS i
WITH $former[i] AS former, $key[i] AS key
MATCH (old:Signal {key: former})
// What was published names its signals by key.
CALL (former, key, old) {
  MATCH (old)<-[:PAID_WITH|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  MATCH (a)-[m:MEMBER_OF|LINKED]->()
  WHERE former IN m.signals
  SET m.signals = [each IN m.signals | CASE each WHEN former THEN key ELSE each END],
      m.strongest = CASE m.strongest WHEN former THEN key ELSE m.strongest END
}
CALL (old) {
  MATCH (old)<-[:PAID_WITH|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  SET a.touched = $number
}
OPTIONAL MATCH (new:Signal {key: key})
CALL (old, new) {
  WITH old, new WHERE new IS NOT NULL
  MATCH (old)<-[r:PAID_WITH|USED_DEVICE|REGISTERED_WITH|SENT|HAS_IDENTIFIER]-(a:Account)
  MERGE (a)-[m:$(type(r))]->(new)
  ON CREATE SET m = properties(r)
  ON MATCH SET m.count = CASE WHEN m.count IS NULL THEN r.count
                              WHEN r.count IS NULL THEN m.count
                              WHEN r.firstSeen > m.lastSeen OR r.lastSeen < m.firstSeen THEN m.count + r.count
                              WHEN r.count > m.count THEN r.count
                              ELSE m.count END,
               m.firstSeen = CASE WHEN m.firstSeen IS NULL OR r.firstSeen < m.firstSeen THEN coalesce(r.firstSeen, m.firstSeen)
                                  ELSE m.firstSeen END,
               m.lastSeen = CASE WHEN m.lastSeen IS NULL OR r.lastSeen > m.lastSeen THEN coalesce(r.lastSeen, m.lastSeen)
                                 ELSE m.lastSeen END
}
CALL (old, new) {
  WITH old, new WHERE new IS NOT NULL
  MATCH (old)<-[h:SHARES]-(c)
  MERGE (c)-[n:SHARES]->(new)
  ON CREATE SET n = properties(h)
}
FOREACH (_ IN CASE WHEN new IS NULL THEN [] ELSE [1] END |
  SET new.touched = $number, new.bin = coalesce(new.bin, old.bin),
      new.instrumentKind = coalesce(new.instrumentKind, old.instrumentKind),
      new.issuerCountry = coalesce(new.issuerCountry, old.issuerCountry)
  DETACH DELETE old)
FOREACH (_ IN CASE WHEN new IS NULL THEN [1] ELSE [] END |
  SET old.key = key, old.value = substring(key, size(old.kind) + 1), old.touched = $number,
      old.words = null)
