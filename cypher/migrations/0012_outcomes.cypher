// Outcomes are found by their ids; accounts that have some by the status that was put aside.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT outcome_id IF NOT EXISTS FOR (n:Outcome) REQUIRE n.id IS UNIQUE;
CREATE INDEX account_exported_status IF NOT EXISTS FOR (n:Account) ON (n.exportedStatus);
