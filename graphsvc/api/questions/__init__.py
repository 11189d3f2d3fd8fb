"""Queries of the API, one module a subject. `api.query` combines them."""
