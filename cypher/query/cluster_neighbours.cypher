// Published clusters that have to do with each of several: held together by the same signals, or of the same past. Those
// with the strongest signal in common first, then those that have only their past in common.
// Parameters: $ids (clusters), $limit (a cluster)
// Returns: owner (cluster id), cluster (map), signals (list of maps: key, kind, bits (the lesser of both sides), here, there
//   (accounts of each that use it), strongest first), events (kinds of what tied their pasts, sorted)
UNWIND $ids AS owner
MATCH (c:Cluster {id: owner})
CALL (c) {
  CALL (c) {
    MATCH (c)-[here:SHARES]->(s:Signal)<-[there:SHARES]-(o:Cluster)
    RETURN o, s, here, there, null AS event
    UNION ALL
    MATCH (x:Cluster|PastCluster {id: c.id})-[l:CONTINUES]-(y)
    WHERE y.id <> c.id
    MATCH (o:Cluster {id: y.id})
    RETURN DISTINCT o, null AS s, null AS here, null AS there, l.kind AS event
  }
  WITH o, s, here, there, event, CASE WHEN here.bits < there.bits THEN here.bits ELSE there.bits END AS bits
  ORDER BY bits DESC, s.key
  WITH o, max(bits) AS strongest, collect(DISTINCT event) AS events,
       [shared IN collect({key: s.key, kind: s.kind, bits: bits, here: here.accounts, there: there.accounts})
        WHERE shared.key IS NOT NULL] AS signals
  ORDER BY coalesce(strongest, -1.0) DESC, o.id
  LIMIT $limit
  RETURN o, signals, COLLECT { UNWIND events AS event RETURN event ORDER BY event } AS events
}
RETURN owner,
       o {.*, firstSeen: o.firstSeen.epochMillis, lastSeen: o.lastSeen.epochMillis, publishedAt: o.publishedAt.epochMillis} AS cluster,
       signals, events
