"""Cores → campaigns → members → scores → evidence. Functions on arrays, no I/O."""
