"""Identities that outlive runs: which cluster carries which id on, what happened, and which decisions follow."""
