"""`graphsvc neo4j …`: control the managed local Neo4j."""

import time
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.settings import load_settings
from graphsvc.errors import ServerError

if TYPE_CHECKING:
    from graphsvc.server import Endpoint

app = typer.Typer(help="The managed local Neo4j: no Docker, no Java, no installation.", no_args_is_help=True)


def _print_line(line: str) -> None:
    typer.echo(f"neo4j: {line}", err=True)


def _print_endpoint(endpoint: "Endpoint") -> None:
    typer.echo(f"Bolt     {endpoint.uri}")
    typer.echo(f"Browser  {endpoint.browser}")
    typer.echo(f"User     {endpoint.user}, password in {load_settings().keys_dir / 'neo4j-password'}")


@app.command()
def start() -> None:
    """Start Neo4j unless it runs, and wait until it answers queries."""
    from graphsvc import server

    _print_endpoint(server.ensure_running(load_settings(), _print_line))


@app.command()
def stop() -> None:
    """Stop Neo4j; everything committed is kept."""
    from graphsvc import server

    typer.echo(
        "Neo4j is stopped." if server.stop_server(load_settings(), _print_line) else "Neo4j was not running."
    )


@app.command()
def status() -> None:
    """Say whether Neo4j runs and where; exit status 1 if it does not."""
    from graphsvc import server

    endpoint = server.find_running(load_settings())
    if endpoint is None:
        typer.echo("Neo4j is not running.")
        raise typer.Exit(1)
    _print_endpoint(endpoint)


@app.command()
def logs(
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Continue until Ctrl-C.")] = False,
) -> None:
    """Show what Neo4j has logged last."""
    from graphsvc.server.home import Home, map_disk_errors, read_tail

    home = Home.from_settings(load_settings())
    with map_disk_errors(load_settings().data_dir, "GRAPHSVC_DATA_DIR"):
        if not home.log.exists():
            raise ServerError(
                "The managed Neo4j has never run here.", "Start it with `graphsvc neo4j start`."
            )
        # What the JVM printed before Neo4j's own log began: the reason of most failed starts.
        printed = read_tail(home.console).strip()
        if printed:
            typer.echo(f"{printed}\n")
        with home.log.open(encoding="utf-8", errors="replace") as file:
            typer.echo("\n".join(file.read().splitlines()[-lines:]))
            while follow:
                grown = file.read()
                typer.echo(grown, nl=False) if grown else time.sleep(0.5)


@app.command()
def run() -> None:
    """Run Neo4j in the foreground, for service managers; Ctrl-C stops it."""
    from graphsvc.server.lifecycle import run_foreground

    run_foreground(load_settings(), _print_line)


@app.command()
def console(
    show: Annotated[bool, typer.Option("--open", help="Open it in this machine's web browser.")] = False,
    guide: Annotated[
        bool, typer.Option("--guide", help="Begin with the guide, which `graphsvc serve` serves.")
    ] = False,
) -> None:
    """Print the address of Neo4j Browser with the connection filled in; exit status 1 if Neo4j does not run.

    The guide walks through the largest cluster. docs/browser.md says how to import scripts and style.
    """
    from graphsvc import server

    endpoint = server.find_running(load_settings())
    if endpoint is None:
        _print_line("Neo4j is not running; start it with `graphsvc neo4j start`.")
        raise typer.Exit(1)
    walk = f"http://localhost:{load_settings().port}/browser/guide"
    address = endpoint.build_guide_address(walk) if guide else endpoint.connected_browser
    typer.echo(address)
    # On standard error, so that standard output is the address alone and can be piped.
    _print_line(f"the password is in {load_settings().keys_dir / 'neo4j-password'}")
    if not guide:
        _print_line(f"a guide, while `graphsvc serve` runs: type `:guide {walk}` there, or add --guide here")
    if show and not webbrowser.open(address):
        _print_line("no web browser could be started here; open the address yourself")


@app.command()
def lock() -> None:
    """Renew the lock: resolve the jars of the versions in graphsvc/server/maven.py and write their hashes."""
    from graphsvc.server.maven import renew_lock

    renew_lock(report=_print_line)
