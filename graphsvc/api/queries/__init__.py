"""Queries of the API, one module a subject. `queries.query` combines them."""
