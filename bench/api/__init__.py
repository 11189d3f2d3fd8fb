"""How fast the API answers over HTTP, beside the bare Cypher behind it."""
