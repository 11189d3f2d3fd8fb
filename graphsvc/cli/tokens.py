"""`graphsvc tokens`: the keys of tokens."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings

app = typer.Typer(
    no_args_is_help=True, help="The keys that tokens are made with: their state, a new one, old ones."
)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show how many signals have tokens of each key."""
    from graphsvc.database import open_store
    from graphsvc.keeping import rotation

    with open_store(load_settings(), console.print) as store:
        found = rotation.list_token_keys(store, load_settings())
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        typer.echo(f"{each.id}  {each.state:<8} {each.signals:>12,} signals")


@app.command()
def rotate(by: By = None) -> None:
    """Make a new key the current one.

    Values of later bundles get tokens of the new key. A signal under an earlier key moves to the new one when
    a bundle brings its value again; until then it is found by its earlier token. Restart `graphsvc serve`.
    """
    from graphsvc.database import open_store
    from graphsvc.keeping import rotation

    with open_store(load_settings(), console.print) as store:
        made = rotation.rotate_key(store, make_auditor(by), load_settings())
    typer.echo(f"{made} is the current key. Back up the keys now: `graphsvc backup --keys-only --out FILE`.")


@app.command()
def retire(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Of an earlier key.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Even if signals have tokens of it, which no bundle will find again."),
    ] = False,
    by: By = None,
) -> None:
    """Remove an earlier key for good."""
    from graphsvc.database import open_store
    from graphsvc.keeping import rotation

    with open_store(load_settings(), console.print) as store:
        left = rotation.retire_key(store, make_auditor(by), load_settings(), key_id, force=force)
    typer.echo(f"{key_id} is removed; {left:,} signals have tokens of it.")
