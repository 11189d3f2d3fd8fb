"""What may be changed through the API, one module a subject; `api.mutation` puts them together."""
