"""Who sends a request: API keys, tokens of an identity provider, roles, and sign-in to the console."""
