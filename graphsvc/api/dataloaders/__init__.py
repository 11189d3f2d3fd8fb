"""Batched and shared reads of one request."""
