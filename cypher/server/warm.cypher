// Touches the graph data science procedures once, so that the JVM learns their classes.
// Parameters: none
// Returns: version (STRING), procedures (INTEGER)
CALL gds.list() YIELD name
RETURN gds.version() AS version, count(name) AS procedures
