"""Synthetic datasets from a seed: legitimate accounts, the campaigns among them, and the truth."""
