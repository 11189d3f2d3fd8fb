"""What two accounts can share: one declaration a signal kind, tokens, prompt fingerprints."""
