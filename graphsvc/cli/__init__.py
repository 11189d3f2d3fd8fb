"""The command `graphsvc`: one module a command group, no logic of its own."""

import io
import signal
import sys
from types import FrameType

import typer

from graphsvc.cli import commands
from graphsvc.errors import GraphsvcError


def main() -> None:
    """Entry point. Errors of the family become one paragraph on standard error and their exit status."""
    # Whoever ends us politely gets the same orderly end as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
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
    except KeyboardInterrupt:
        typer.echo("graphsvc: stopped; what was published before is untouched", err=True)
        sys.exit(130)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
