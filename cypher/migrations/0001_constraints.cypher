// Keys of everything that is loaded. A constraint brings its index.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT migration_version IF NOT EXISTS FOR (n:Migration) REQUIRE n.version IS UNIQUE;
CREATE CONSTRAINT account_id IF NOT EXISTS FOR (n:Account) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT signal_key IF NOT EXISTS FOR (n:Signal) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT prefix_key IF NOT EXISTS FOR (n:Prefix) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT autonomous_system_asn IF NOT EXISTS FOR (n:AutonomousSystem) REQUIRE n.asn IS UNIQUE;
CREATE CONSTRAINT network_cidr IF NOT EXISTS FOR (n:Network) REQUIRE n.cidr IS UNIQUE;
CREATE CONSTRAINT activity_key IF NOT EXISTS FOR (n:Activity) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT load_id IF NOT EXISTS FOR (n:Load) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT load_step_key IF NOT EXISTS FOR (n:LoadStep) REQUIRE n.key IS UNIQUE;
