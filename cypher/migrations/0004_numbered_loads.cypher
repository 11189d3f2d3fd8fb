// Keys of what numbered loads leave behind: which accounts and signals a load wrote to, so that a later run reads only those.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT load_book_name IF NOT EXISTS FOR (n:LoadBook) REQUIRE n.name IS UNIQUE;
CREATE INDEX account_touched IF NOT EXISTS FOR (n:Account) ON (n.touched);
CREATE INDEX signal_touched IF NOT EXISTS FOR (n:Signal) ON (n.touched);
