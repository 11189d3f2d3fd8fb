"""Limits and execution of one GraphQL operation: its shape, its cost, its turn, and the documents of the console."""
