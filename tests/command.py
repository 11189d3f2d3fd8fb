"""Run the command `graphsvc` inside the test's process, where it costs no start of Python.

What has to be a process of its own (signals, kills, numbers of threads) starts one instead.
"""

import io
import signal
import sys
from dataclasses import dataclass

import pytest

from graphsvc.cli import main
from graphsvc.settings import load_settings


@dataclass(frozen=True, slots=True)
class Done:
    """What a call of the command left: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*words: object) -> Done:
    """Run `graphsvc WORDS` in the environment of the test, whose settings are read again.

    Args:
        words: the arguments of the command.

    Returns:
        The exit status and what was printed. Standard input is at its end.

    Raises:
        BaseException: whatever leaves `main` and is no exit; a process would print a traceback.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    on_termination = signal.getsignal(signal.SIGTERM)
    load_settings.cache_clear()
    status = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["graphsvc", *map(str, words)])
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            signal.signal(signal.SIGTERM, on_termination)
            load_settings.cache_clear()
    stdout, stderr = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))  # type: ignore[attr-defined]
    return Done(status, stdout, stderr)
