"""Data retention: backups, expiry, forgetting accounts, and rotation of the token key."""
