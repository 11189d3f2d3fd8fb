"""Who is told of each statement that runs: set around a request, read where statements run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Watcher = Callable[[str], AbstractContextManager[object]]
"""Gets the name of a statement, never its parameters; what it returns is entered while the statement runs, and sees
the error it ends with."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watch_statements(watcher: Watcher) -> Iterator[None]:
    """Tells `watcher` of the statements of this task, and of what it starts, while the block lasts."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def run_watched(name: str) -> AbstractContextManager[object]:
    """To be entered around the statement `name`."""
    watcher = _watcher.get()
    return nullcontext() if watcher is None else watcher(name)
