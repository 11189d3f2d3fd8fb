"""Signals that accounts can share: one declaration a kind, tokens, prompt fingerprints."""
