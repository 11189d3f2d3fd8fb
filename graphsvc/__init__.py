"""graphsvc: account linkage in Neo4j for trust-and-safety teams."""
