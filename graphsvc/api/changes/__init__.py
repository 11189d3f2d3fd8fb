"""Mutations of the API, one module a subject. `api.mutation` combines them."""
