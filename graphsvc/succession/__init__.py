"""Which new account may follow a banned one: candidates, what they took over, and what chance alone would match."""
