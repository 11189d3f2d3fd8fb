"""`graphsvc succession`: new accounts that follow the banned ones, and how campaigns replace their banned."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.settings import load_settings
from graphsvc.errors import NotFound

if TYPE_CHECKING:
    import polars as pl

    from graphsvc.store import Store


def print_successions(
    cluster: Annotated[
        str | None,
        typer.Argument(help="Id of a published cluster; without: one line for each.", show_default=False),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            "--account",
            metavar="ID",
            help="Whom this account may follow, and who follows it.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many lines to show.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show which new accounts follow the banned ones, and how each campaign replaces its banned.

    A banned account's successor signs up within 72 hours of the ban, and takes over some of its cards,
    addresses, devices and prompts. Each pair is scored in bits, and compared with chance matches of sign-ups
    moved in time.

    Without arguments: for each published cluster with bans the number of returns, their delay, and the
    signals. With CLUSTER: the probable pairs, most probable first. With --account: all candidates of one
    account, probable or not.
    """
    import polars as pl

    from graphsvc.database import open_store

    with Stages() as stages, open_store(load_settings(), stages.print_line) as store:
        pairs, campaigns, known = _read_successions(store, stages)
    if cluster is not None:
        campaigns = campaigns.filter(pl.col("cluster") == cluster)
        if campaigns.is_empty():
            raise NotFound(
                f"No published cluster is called {cluster}.", "`graphsvc succession` lists those with bans."
            )
        pairs = pairs.filter((pl.col("cluster") == cluster) & pl.col("probable"))
    if account is not None:
        if account not in known:
            raise NotFound(f"No account is called {account}.", "Ids are those of the bundle's accounts.")
        of = (pl.col("successor") == account) | (pl.col("predecessor") == account)
        # Also candidates that are not probable: one looks at an account to see what was considered.
        pairs = pairs.filter(of)
    order = ["probability", "successor", "predecessor"]
    pairs = pairs.sort(order, descending=[True, False, False])
    if as_json:
        shown = pairs if cluster or account else pairs.filter("probable")
        table = {"campaigns": _convert_rows(campaigns), "pairs": _convert_rows(shown.head(limit))}
        typer.echo(json.dumps(table, indent=2))
    elif account is not None:
        _print_account(pairs, account, limit)
    elif cluster is not None:
        _print_cluster(pairs, campaigns.row(0, named=True), limit)
    else:
        _print_all(pairs, campaigns, limit)


def _read_successions(store: "Store", stages: Stages) -> "tuple[pl.DataFrame, pl.DataFrame, pl.Series]":
    """Return pairs and campaigns of the published result, with ids, and the ids of all accounts."""
    import polars as pl

    from graphsvc.store.graph import read_graph
    from graphsvc.store.published import read_members
    from graphsvc.succession.successions import find_successions, resolve_ids

    published = read_members(store)
    if published.is_empty():
        raise NotFound("No cluster is published.", "Run `graphsvc detect` first.")
    graph = read_graph(store, stages.update_stage)
    clusters = published["cluster_id"].unique().sort()
    # The search works on row numbers, as detection does. Ids come back with `resolve_ids`.
    number = pl.DataFrame(
        {"cluster_id": clusters, "cluster": range(len(clusters))}, schema_overrides={"cluster": pl.Int32}
    )
    account = graph.accounts.select(account_id="id", account=pl.int_range(pl.len(), dtype=pl.Int32))
    numbered = published.join(number, on="cluster_id").join(account, on="account_id")
    return *resolve_ids(find_successions(graph, numbered), graph.accounts["id"], clusters), graph.accounts[
        "id"
    ]


def _print_all(pairs: "pl.DataFrame", campaigns: "pl.DataFrame", limit: int) -> None:
    import polars as pl

    shown = campaigns.filter(pl.col("stopped") > 0).sort(
        "pairs", "stopped", "cluster", descending=[True, True, False]
    )
    for row in shown.head(limit).iter_rows(named=True):
        typer.echo(f"{row['cluster']}  {row['says']}.")
    if shown.height > limit:
        typer.echo(f"{shown.height - limit:,} more clusters with bans; --limit shows more.")
    if quiet := campaigns.height - shown.height:
        typer.echo(f"No account was banned in {quiet:,} cluster{'s' if quiet != 1 else ''}.")
    # Counted, so that the sums of the lines above are not taken for all that is known.
    elsewhere = pairs.filter(pl.col("probable") & pl.col("cluster").is_null()).height
    typer.echo(f"{elsewhere:,} banned accounts of no cluster probably came back, too.")


def _print_cluster(pairs: "pl.DataFrame", campaign: dict[str, object], limit: int) -> None:
    typer.echo(f"{campaign['says']}.")
    if campaign["outside"]:
        typer.echo(f"{campaign['outside']:,} of those who follow are not in the cluster.")
    for row in pairs.head(limit).iter_rows(named=True):
        typer.echo(f"{row['predecessor']} → {row['successor']}: {row['says']}.")
    if pairs.height > limit:
        typer.echo(f"{pairs.height - limit:,} more pairs; --limit shows more.")


def _print_account(pairs: "pl.DataFrame", account: str, limit: int) -> None:
    import polars as pl

    follows = pairs.filter(pl.col("successor") == account).sort("rank")
    followed = pairs.filter(pl.col("predecessor") == account)
    for title, rows, other in (
        ("May follow", follows, "predecessor"),
        ("May be followed by", followed, "successor"),
    ):
        for row in rows.head(limit).iter_rows(named=True):
            typer.echo(f"{title} {row[other]}{' (probable)' if row['probable'] else ''}: {row['says']}.")
    if pairs.is_empty():
        typer.echo("It follows no banned account, and no account follows it, by all that is known.")


def _convert_rows(frame: "pl.DataFrame") -> list[dict[str, object]]:
    """Return rows for JSON, which has no NaN."""
    import polars as pl

    return frame.with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts()
