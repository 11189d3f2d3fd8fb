"""`graphsvc lineage`: the history of clusters from run to run."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import NotFound

if TYPE_CHECKING:
    import polars as pl

    from graphsvc.store import Store


def print_history(
    cluster: Annotated[
        str | None, typer.Argument(help="Id of a cluster; without: what the last run says of all.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many events to show.", min=1)] = 50,
    businesses: Annotated[
        bool, typer.Option("--businesses", help="Of the last run: tell of likely businesses, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for programs.")] = False,
) -> None:
    """Show the history of a cluster, newest first, or the events of all campaigns in the last run.

    A cluster keeps its id while it grows, loses accounts, replaces all of them, is not found for a while
    (dormant) or is part of another (merged). You can ask for any of them. Events: born, split (from another),
    revived, merged, dormant, grew, shrank, continued. For the last run, clusters that merely continued are
    left out.
    """
    from graphsvc.database import open_store

    with open_store(load_settings(), console.print) as store:
        rows = _read_history(store, cluster) if cluster else _read_last_events(store, businesses=businesses)
    if as_json:
        typer.echo(json.dumps([*rows.iter_rows(named=True)], indent=2, default=str))
        return
    for row in rows.head(limit).iter_rows(named=True):
        when = f"{row['at']:%Y-%m-%d %H:%M}  " if cluster else ""
        typer.echo(f"{when}{row['id']}  {row['kind']:<9}  {row['says']}")
    if rows.height > limit:
        typer.echo(f"and {rows.height - limit:,} more (--limit)")
    if not rows.height:
        typer.echo("Nothing happened: every cluster is as it was in the run before.")


def _read_history(store: "Store", cluster: str) -> "pl.DataFrame":
    from graphsvc.store.decisions import read_identity
    from graphsvc.store.lineage import read_history

    read_identity(store, cluster)
    return read_history(store, cluster)


def _read_last_events(store: "Store", *, businesses: bool) -> "pl.DataFrame":
    import polars as pl

    from graphsvc.model.lineage import CONTINUED, KINDS
    from graphsvc.store.lineage import read_run_events
    from graphsvc.store.published import CAMPAIGNS
    from graphsvc.store.runs import read_published_run

    published = read_published_run(store)
    if published is None:
        raise NotFound("No run has published anything yet.", "Run `graphsvc detect` first.")
    events = read_run_events(store, published.id, None if businesses else CAMPAIGNS).filter(
        pl.col("kind") != CONTINUED
    )
    order = pl.col("kind").replace_strict(KINDS, range(len(KINDS)))
    return events.sort(order, pl.max_horizontal("accounts_before", "accounts_now"), descending=[False, True])
