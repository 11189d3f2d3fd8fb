"""Identities that outlive runs: which cluster is the one of yesterday, what happened, and what people decided."""
