"""`graphsvc neo4j …`: the managed local Neo4j."""

import time
from typing import Annotated

import typer

from graphsvc import server
from graphsvc.server.home import Home
from graphsvc.server.renew import renew
from graphsvc.settings import settings

app = typer.Typer(help="The managed local Neo4j: no Docker, no Java, no installation.", no_args_is_help=True)


def _say(line: str) -> None:
    typer.echo(f"neo4j: {line}", err=True)


def _show(endpoint: server.Endpoint) -> None:
    typer.echo(f"Bolt     {endpoint.uri}")
    typer.echo(f"Browser  {endpoint.browser}")
    typer.echo(f"User     {endpoint.user}, password in {settings().keys_dir / 'neo4j-password'}")


@app.command()
def start() -> None:
    """Start Neo4j unless it runs, and wait until it answers queries."""
    _show(server.ensure_running(settings(), _say))


@app.command()
def stop() -> None:
    """Stop Neo4j; everything committed is kept."""
    typer.echo("Neo4j is stopped." if server.stop(settings(), _say) else "Neo4j was not running.")


@app.command()
def status() -> None:
    """Say whether Neo4j runs and where; exit status 3 if it does not."""
    endpoint = server.running(settings())
    if endpoint is None:
        typer.echo("Neo4j is not running.")
        raise typer.Exit(3)
    _show(endpoint)


if __name__ == "__main__":
    app()
