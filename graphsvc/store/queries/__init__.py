"""Statements that read for the API, each with the type of its rows. `docs/decisions/api.md` says why."""
