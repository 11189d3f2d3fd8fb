// The strongest links of a cluster are found by their places in it.
// Parameters: none
// Returns: nothing
CREATE INDEX linked_place IF NOT EXISTS FOR ()-[l:LINKED]-() ON (l.of, l.place);
