// What an import brought, by the counts that the database keeps: nodes by label, edges by type.
// Parameters: none
// Returns: name, count; one row a label or type
MATCH (n:Account) RETURN 'Account' AS name, count(n) AS count
UNION ALL MATCH (n:Signal) RETURN 'Signal' AS name, count(n) AS count
UNION ALL MATCH (n:Activity) RETURN 'Activity' AS name, count(n) AS count
UNION ALL MATCH (n:Prefix) RETURN 'Prefix' AS name, count(n) AS count
UNION ALL MATCH (n:AutonomousSystem) RETURN 'AutonomousSystem' AS name, count(n) AS count
UNION ALL MATCH (n:Network) RETURN 'Network' AS name, count(n) AS count
UNION ALL MATCH ()-[r:PAID_WITH]->() RETURN 'PAID_WITH' AS name, count(r) AS count
UNION ALL MATCH ()-[r:SEEN_AT]->() RETURN 'SEEN_AT' AS name, count(r) AS count
UNION ALL MATCH ()-[r:USED_DEVICE]->() RETURN 'USED_DEVICE' AS name, count(r) AS count
UNION ALL MATCH ()-[r:REGISTERED_WITH]->() RETURN 'REGISTERED_WITH' AS name, count(r) AS count
UNION ALL MATCH ()-[r:SENT]->() RETURN 'SENT' AS name, count(r) AS count
UNION ALL MATCH ()-[r:HAS_IDENTIFIER]->() RETURN 'HAS_IDENTIFIER' AS name, count(r) AS count
UNION ALL MATCH ()-[r:HAD_TRAFFIC]->() RETURN 'HAD_TRAFFIC' AS name, count(r) AS count
UNION ALL MATCH ()-[r:IN]->() RETURN 'IN' AS name, count(r) AS count
UNION ALL MATCH ()-[r:ANNOUNCED_BY]->() RETURN 'ANNOUNCED_BY' AS name, count(r) AS count
