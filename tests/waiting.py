"""Wait for what happens in another thread or process, however busy the machine is."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait until a condition holds.

    Args:
        holds: the condition; asked twenty times a second.
        seconds: patience, far above what an idle machine needs.

    Raises:
        AssertionError: it does not hold after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)
