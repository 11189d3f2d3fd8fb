"""Watch the statements that run: set around a request, read where statements run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Watcher = Callable[[str], AbstractContextManager[object]]
"""Gets the name of a statement, never its parameters. The context manager it returns is entered while the
statement runs, and sees the error that it ends with."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watch_statements(watcher: Watcher) -> Iterator[None]:
    """Report the statements of this task, and of tasks it starts, to `watcher` while the block lasts."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def run_watched(name: str) -> AbstractContextManager[object]:
    """Return the context manager to enter around the statement `name`."""
    watcher = _watcher.get()
    return nullcontext() if watcher is None else watcher(name)
