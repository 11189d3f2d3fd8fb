// One published cluster, whole: itself, its members, the signals that it shares, its strongest links.
// Parameters: $id
// Returns: cluster (map, times in milliseconds), members, signals, links (lists of maps); no row for an unknown id
MATCH (c:Cluster {id: $id})
RETURN c {.*, firstSeen: c.firstSeen.epochMillis, lastSeen: c.lastSeen.epochMillis, publishedAt: c.publishedAt.epochMillis} AS cluster,
       COLLECT {
         MATCH (c)<-[m:MEMBER_OF]-(a:Account)
         WITH a, m
         ORDER BY a.id
         RETURN {account_id: a.id, status: a.status, created_at: a.createdAt.epochMillis, membership: m.membership,
                 bits: m.bits, families: coalesce(m.families, []), family_bits: coalesce(m.familyBits, []),
                 signals: coalesce(m.signals, [])}
       } AS members,
       COLLECT {
         MATCH (c)-[r:SHARES]->(s:Signal)
         WITH r, s
         ORDER BY r.rank, s.key
         RETURN {key: s.key, kind: s.kind, value: s.value, accounts: r.accounts, share: r.share, bits: r.bits}
       } AS signals,
       COLLECT {
         MATCH (a:Account)-[l:LINKED]->(b:Account)
         USING INDEX l:LINKED(of, place)
         WHERE l.of = c.id AND l.place <= 200 AND EXISTS { (a)-[m:MEMBER_OF]->(c) WHERE m.linksVersion = l.version }
         WITH a, b, l
         ORDER BY l.place
         RETURN {source: a.id, target: b.id, bits: l.bits}
       } AS links
