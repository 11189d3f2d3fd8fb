"""Backups, sealed in the age format, and rotation of the token key."""
