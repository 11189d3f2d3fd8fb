"""Match new accounts with banned ones: candidates, what they took over, and what chance alone would match."""
