"""The questions of the API, one module a subject; `api.query` puts them together."""
