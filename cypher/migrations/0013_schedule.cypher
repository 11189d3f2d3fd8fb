// There is one schedule of detection runs.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT schedule_name IF NOT EXISTS FOR (n:Schedule) REQUIRE n.name IS UNIQUE;
