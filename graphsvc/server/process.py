"""The server as a process of the operating system."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphsvc.server.java import build_environment, build_unusable_error

if TYPE_CHECKING:
    import psutil

_EXEC_SECONDS = 5.0
"""Seconds a new process on a busy machine may take to have its arguments."""


def find_process(pid: int | None, marker: str) -> "psutil.Process | None":
    """Return the live process `pid` if `marker` is one of its arguments. A reused number is no match."""
    import psutil

    if pid is None:
        return None
    deadline = time.monotonic() + _EXEC_SECONDS
    try:
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            arguments = process.cmdline()
            if arguments or time.monotonic() > deadline:
                return process if marker in arguments else None
            time.sleep(0.01)  # it is being executed: until its arguments are set up it has none
    except psutil.Error:
        return None
    return None


def is_listening(process: "psutil.Process", port: int) -> bool:
    """Return whether a process listens on a TCP port."""
    import psutil

    try:
        sockets = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)


def spawn_process(command: Sequence[str], log: Path, directory: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own: no terminal, no Ctrl-C, output into `log`.

    Raises:
        ServerError: the Java runtime cannot be executed on this machine.
    """
    with log.open("wb") as output:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=build_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise build_unusable_error(error.strerror or type(error).__name__) from error


def release_process(process: subprocess.Popen[bytes]) -> None:
    """Let a process outlive us without a warning of `subprocess`."""
    process.returncode = 0


def stop_process(process: "psutil.Process", patience: float) -> bool:
    """Ask a process to end, and wait `patience` seconds. Return False if it still runs then."""
    import psutil

    try:
        process.terminate()
        process.wait(patience)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def kill_session(process: "psutil.Process") -> None:
    """Kill a process and its children at once, for work that may be lost."""
    import psutil

    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
    except (ProcessLookupError, psutil.Error):
        return
