"""The command `graphsvc`: one module a command group, no logic of its own."""

import io
import signal
import sys
from types import FrameType

import typer

from graphsvc.cli import commands
from graphsvc.errors import GraphsvcError


def main() -> None:
    """Run the command line. An error becomes a paragraph on standard error and an exit status.

    Our own errors have a status each; faults of the operating system give 1.
    """
    # Service managers and containers end a process with SIGTERM: it gets the same orderly end as Ctrl-C.
    signal.signal(signal.SIGTERM, _raise_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # else a locale without an ellipsis ends a table in a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        commands.app()
    except GraphsvcError as error:
        typer.echo(f"graphsvc: {error.what}\n{error.todo}".rstrip(), err=True)
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno is None:  # no fault of the system's: one of ours
            raise
        place = error.filename if isinstance(error.filename, str) else "A file"
        reason = error.strerror or type(error).__name__
        typer.echo(
            f"graphsvc: {place} cannot be used: {reason}.\nLook at it, its disk and its owner.", err=True
        )
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("graphsvc: stopped; what was published before is untouched", err=True)
        sys.exit(130)


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
