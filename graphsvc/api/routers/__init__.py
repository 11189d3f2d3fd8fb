"""Routes other than GraphQL: the console, GraphiQL, files for Neo4j Browser, exports, health."""
