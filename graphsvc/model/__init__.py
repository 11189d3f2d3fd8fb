"""The nouns of account linkage: frozen, typed, no I/O."""
