"""Metrics of a published result against the truth of a bundle."""
