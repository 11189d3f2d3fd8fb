"""The command `graphsvc`: one module a command group, no logic of its own."""

import sys

import typer

from graphsvc.cli import commands
from graphsvc.errors import GraphsvcError


def main() -> None:
    """Entry point. Errors of the family become one paragraph on standard error and their exit status."""
    try:
        commands.app()
    except GraphsvcError as error:
        typer.echo(f"graphsvc: {error.what}\n{error.todo}".rstrip(), err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("graphsvc: stopped", err=True)
        sys.exit(130)
