"""Progress on standard error: bars on a terminal; elsewhere a line a stage, and more lines for a long stage."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import TaskID

EVERY_SECONDS = 15.0
"""How often a long stage says how far it is where there is no terminal."""

console = Console(stderr=True, highlight=False, soft_wrap=True)


class Stages:
    """Shows work as named stages with counts.

    Pass `print_line` and `update_stage` to functions that report progress.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def print_line(self, text: str) -> None:
        """Print one line."""
        # Names from data may contain brackets, which rich would take for markup.
        self._bars.console.print(text, markup=False)

    def update_stage(self, stage: str, done: int, total: int) -> None:
        """Report `done` of `total` items of a stage. The last call has `done == total`."""
        now = time.monotonic()
        began = self._began.setdefault(stage, now)
        if not console.is_terminal:
            if done >= total > 0 and self._said.get(stage) != float("inf"):
                self._said[stage] = float("inf")
                self.print_line(f"  {stage}: {total:,} in {now - began:.1f} s")
            elif 0 < done < total and now - self._said.get(stage, began) >= EVERY_SECONDS:
                self._said[stage] = now
                left = (now - began) * (total - done) / done
                self.print_line(f"  {stage}: {done:,} of {total:,}, about {left:.0f} s remain")
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
