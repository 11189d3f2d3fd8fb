"""GraphQL over HTTP: app factory, types, loaders, security, limits."""
