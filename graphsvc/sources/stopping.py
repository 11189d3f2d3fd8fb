"""Stop work that runs until it is stopped, when the process is asked to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM or Ctrl-C sets: what is under way ends first. A second signal ends it at once."""
    stopped = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def note(number: int, _: FrameType | None) -> None:
        stopped.set()
        for each in numbers:
            signal.signal(each, before[each])

    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, note)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
