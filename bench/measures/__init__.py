"""What the bench of quality measures, one part a module: each takes `Trials` and gives JSON-ready rows."""
