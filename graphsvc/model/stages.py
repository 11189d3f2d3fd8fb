"""The stages of a run: what they were about and what they took."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stage:
    """What one stage took: seconds, rows that it read or made, and the most memory the process held; bytes."""

    name: str
    seconds: float = 0.0
    rows: int = 0
    peak_bytes: int = 0
