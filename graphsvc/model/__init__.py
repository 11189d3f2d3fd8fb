"""Nouns of account linkage: frozen, typed, no I/O."""
