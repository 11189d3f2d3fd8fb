// Accounts by when their status changed: sign-ups are scored against bans that came since the last run.
// Parameters: none
// Returns: nothing
CREATE INDEX account_status_changed IF NOT EXISTS FOR (n:Account) ON (n.statusChangedAt);
