// Keys of sources, and of the marks up to which each was read.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT source_name IF NOT EXISTS FOR (n:Source) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT source_mark_key IF NOT EXISTS FOR (n:SourceMark) REQUIRE n.key IS UNIQUE;
