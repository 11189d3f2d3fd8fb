"""How fast, and in how much memory: ours and what others would take instead, on worlds of growing size."""
