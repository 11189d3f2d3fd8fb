// Keys of the list of forgotten accounts.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT forgotten_name IF NOT EXISTS FOR (n:Forgotten) REQUIRE n.name IS UNIQUE;
