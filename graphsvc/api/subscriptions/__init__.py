"""Subscriptions of the API, and the reader of changes that serves all subscribers."""
