"""What is kept and what is not: backups, retention, forgetting, and the keys that tokens are made with."""
