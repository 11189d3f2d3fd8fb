"""Webhooks: send the events of the outbox to the endpoints of an installation, each at least once and in order."""
