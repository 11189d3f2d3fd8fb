"""Mutations of the API, one module a subject. `mutations.mutation` combines them."""
