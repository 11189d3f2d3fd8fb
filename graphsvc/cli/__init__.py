"""The command `graphsvc`: one module a command group, no logic of its own."""

import io
import resource
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from graphsvc.errors import GraphsvcError, ResourceError

LEAST_ADDRESS_SPACE = 2 << 30
"""Bytes of address space (`ulimit -v`). All imports take 0.94 GB on two cores, a small detection up to 1.9 GB (measured
with `make faults`). Most of it is reserved and never used. With less, libraries abort or fail and name nothing."""


def main() -> None:
    """Run the command line. An error becomes a paragraph on standard error and an exit status.

    The status is that of the error (`graphsvc.errors`); faults of the operating system give 1.
    """
    # Service managers and containers end a process with SIGTERM: it gets the same orderly end as Ctrl-C.
    signal.signal(signal.SIGTERM, _raise_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # else a locale without an ellipsis ends a table in a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        _check_address_space()
        from graphsvc.cli import commands  # what it imports takes most of that

        commands.app()
    except GraphsvcError as error:
        _exit_with(error)
    except MemoryError:
        _exit_with(
            ResourceError(
                "There is too little memory for this.", "Close other programs, or raise `ulimit -v`."
            )
        )
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


def _exit_with(error: GraphsvcError) -> NoReturn:
    """Say an error in one paragraph, and end with its exit status."""
    typer.echo(f"graphsvc: {error.what}\n{error.todo}".rstrip(), err=True)
    sys.exit(error.exit_status)


def _check_address_space() -> None:
    """Check that this process may have enough address space for its libraries.

    Raises:
        ResourceError: it may not.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < LEAST_ADDRESS_SPACE:
        raise ResourceError(
            f"This process may have {most >> 20:,} MiB of address space (`ulimit -v`), and graphsvc needs "
            f"{LEAST_ADDRESS_SPACE >> 20:,} MiB.",
            "Raise the limit, or remove it: to limit memory that is used, use a container's limit.",
        )


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
