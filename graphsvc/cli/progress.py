"""Progress on standard error: bars on a terminal, a line a stage elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

console = Console(stderr=True, highlight=False, soft_wrap=True)


class Stages:
    """Shows work as named stages with counts; `progress` and `say` are what the roads call."""

    def __init__(self) -> None:
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
        self._ended: set[str] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """One line."""
        self._bars.console.print(text, markup=False)

    def progress(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` things of a stage; the last call says `done == total`."""
        began = self._began.setdefault(stage, time.monotonic())
        if not console.is_terminal:
            if done >= total > 0 and stage not in self._ended:
                self._ended.add(stage)
                self.say(f"  {stage}: {total:,} in {time.monotonic() - began:.1f} s")
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
