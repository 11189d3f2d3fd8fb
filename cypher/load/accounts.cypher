// Writes accounts. A later bundle may move the sign-up earlier and the status forward; it never erases. Where outcomes were
// reported, the exporter's status is kept aside, and `outcomes/settle` decides which is newer.
// Parameters: parallel lists $account_id, $created_at (ms since 1970), $status, $status_changed_at (ms or null),
//   $plan, $country; $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($account_id) - 1) AS i
WITH $account_id[i] AS id, datetime({epochMillis: $created_at[i]}) AS createdAt, $status[i] AS status,
     CASE WHEN $status_changed_at[i] IS NULL THEN null
          ELSE datetime({epochMillis: $status_changed_at[i]}) END AS changedAt,
     $plan[i] AS plan, $country[i] AS country
MERGE (a:Account {id: id})
ON CREATE SET a.touched = $number,
              a.createdAt = createdAt, a.status = status, a.statusChangedAt = changedAt,
              a.plan = plan, a.country = country
ON MATCH SET a.touched = $number,
             a.createdAt = CASE WHEN createdAt < a.createdAt THEN createdAt ELSE a.createdAt END,
             a.exportedStatus =
               CASE WHEN a.exportedStatus IS NULL THEN null
                    WHEN a.exportedStatusChangedAt IS NULL AND (changedAt IS NOT NULL OR status <> 'active')
                      OR changedAt >= a.exportedStatusChangedAt THEN status
                    ELSE a.exportedStatus END,
             a.exportedStatusChangedAt =
               CASE WHEN a.exportedStatus IS NULL THEN null
                    WHEN a.exportedStatusChangedAt IS NULL OR changedAt > a.exportedStatusChangedAt
                      THEN coalesce(changedAt, a.exportedStatusChangedAt)
                    ELSE a.exportedStatusChangedAt END,
             a.status =
               CASE WHEN a.exportedStatus IS NOT NULL THEN a.status
                    WHEN a.statusChangedAt IS NULL AND (changedAt IS NOT NULL OR status <> 'active')
                      OR changedAt >= a.statusChangedAt THEN status
                    ELSE a.status END,
             a.statusChangedAt =
               CASE WHEN a.exportedStatus IS NOT NULL THEN a.statusChangedAt
                    WHEN a.statusChangedAt IS NULL OR changedAt > a.statusChangedAt
                      THEN coalesce(changedAt, a.statusChangedAt)
                    ELSE a.statusChangedAt END,
             a.plan = coalesce(plan, a.plan),
             a.country = coalesce(country, a.country)
