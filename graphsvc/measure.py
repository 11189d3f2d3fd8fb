"""Resources of a run: time, rows and peak memory a stage, and a check for enough memory before it begins."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import ByteSize, TypeAdapter, ValidationError

from graphsvc.errors import ResourceError
from graphsvc.host import read_memory, read_peak_memory, reset_peak_memory
from graphsvc.model.stages import Stage

GIB = 1 << 30
BASE, AN_ACCOUNT, A_SIGNAL, AN_EDGE, A_MONTH = 300 << 20, 200, 150, 130, 600
"""Memory that detection takes at its peak, fitted to worlds of 100,000 to 1,000,000 accounts; bytes."""
LEAST_WORKING = 32 << 20
"""What pairs of accounts may take on the way to links at least; bytes."""


@dataclass(slots=True)
class Clock:
    """Measures the stages of a run."""

    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def measure_stage(self, name: str) -> Iterator[Stage]:
        """Measure one stage. The block may set the number of rows."""
        stage = Stage(name)
        self.stages.append(stage)
        reset_peak_memory()
        began = time.monotonic()
        try:
            yield stage
        finally:
            stage.seconds = round(time.monotonic() - began, 3)
            stage.peak_bytes = read_peak_memory()

    @property
    def timings(self) -> dict[str, float]:
        """Return the seconds of each stage."""
        return {stage.name: stage.seconds for stage in self.stages}


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The expected memory of a task, the available memory, and its limit; bytes."""

    expected: int
    available: int
    ceiling: int | None = None
    doing: str = "Detection on this graph"
    instead: str = (
        "Close other programs, or run `graphsvc detect` on a larger machine (GRAPHSVC_NEO4J_URI says where the "
        "database is)."
    )

    def compute_working_memory(self, most: int) -> int:
        """Return the memory left for pairs of accounts on the way to links, at most `most`."""
        # The ceiling wins even if more is free: whoever set it wants the rest.
        room = self.available if self.ceiling is None else self.ceiling
        return max(min(most, room - self.expected), LEAST_WORKING)

    def __str__(self) -> str:
        may = f", may take {format_size(self.ceiling)}" if self.ceiling is not None else ""
        return f"about {format_size(self.expected)} of memory (free: {format_size(self.available)}{may})"

    def check(self) -> None:
        """Raise ResourceError if the task would not fit.

        Raises:
            ResourceError
        """
        if self.ceiling is not None and self.expected > self.ceiling:
            raise ResourceError(
                f"{self.doing} takes about {format_size(self.expected)} of memory, and may take "
                f"{format_size(self.ceiling)}.",
                "Allow it more with --memory.",
            )
        if self.expected > self.available:
            raise ResourceError(
                f"{self.doing} takes about {format_size(self.expected)} of memory, and "
                f"{format_size(self.available)} are free.",
                self.instead,
            )


def estimate_need(
    *, accounts: int, signals: int, edges: int, months: int, ceiling: int | None = None
) -> MemoryNeed:
    """Estimate the memory of a detection from the numbers of accounts, signals, edges and months of traffic."""
    expected = BASE + AN_ACCOUNT * accounts + A_SIGNAL * signals + AN_EDGE * edges + A_MONTH * months
    return MemoryNeed(expected, read_memory().available, ceiling)


def parse_size(text: str) -> int:
    """Parse a size of memory: `4GiB`, `4Gi`, `800 MB`, `2000000000`; bytes.

    Raises:
        ValueError: it is none of these.
    """
    # Kubernetes writes `4Gi`.
    whole = re.sub(r"(?<=[kmgt]i)\s*$", "B", text, flags=re.IGNORECASE)
    try:
        return int(TypeAdapter(ByteSize).validate_python(whole))
    except ValidationError:
        raise ValueError(f"{text!r} is no size of memory; say, for example, 4GiB or 800MB") from None


def format_size(size: int) -> str:
    """Format bytes for people."""
    return f"{size / GIB:.1f} GiB" if size >= GIB // 10 else f"{size >> 20} MiB"
