"""The types of the GraphQL schema, one module a noun of the graph."""
