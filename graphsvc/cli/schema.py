"""`graphsvc schema`: the GraphQL schema as text, its reference page, and its breaking changes."""

from pathlib import Path
from typing import Annotated

import typer

from graphsvc.errors import ExportError


def print_schema(
    out: Annotated[
        Path | None, typer.Option(help="File to write it to; without: standard output.", show_default=False)
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="The reference page (Markdown) instead.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Schema of an earlier version: list changes that break its clients; exit 1 if there are any.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the GraphQL schema. Needs no database."""
    from graphql import GraphQLError

    from graphsvc.api import schema_docs

    if against is not None:
        try:
            lost = schema_docs.list_breaking_changes(against.read_text(encoding="utf-8"))
        except (GraphQLError, TypeError, UnicodeDecodeError):
            raise typer.BadParameter(f"{against} is no GraphQL schema.") from None
        for each in lost:
            typer.echo(each)
        if lost:
            raise typer.Exit(1)
        typer.echo("Nothing that clients rely on is lost.")
        return
    text = schema_docs.build_reference() if reference else schema_docs.format_schema()
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{out} cannot be written ({error.strerror}).", "Write elsewhere.") from None
