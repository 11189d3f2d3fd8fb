"""Measurements of the stages of a run."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stage:
    """Measurements of one stage: seconds, rows read or made, and peak memory of the process in bytes."""

    name: str
    seconds: float = 0.0
    rows: int = 0
    peak_bytes: int = 0
