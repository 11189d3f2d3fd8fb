"""`graphsvc runs`, `graphsvc cancel` and `graphsvc diff`: list runs, stop one, and compare two."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import NotFound

if TYPE_CHECKING:
    from graphsvc.analysis.diff import Diff
    from graphsvc.store import Store


def list_runs(
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the detection runs, newest first."""
    from graphsvc.database import open_store
    from graphsvc.store.runs import list_runs as list_all_runs

    with open_store(load_settings(), console.print) as store:
        # Newest first already. There are few runs, so the limit needs no statement of its own.
        runs = list_all_runs(store)[:limit]
    rows: list[dict[str, Any]] = [
        {**run, "startedAt": run["startedAt"].to_native().isoformat(timespec="seconds")} for run in runs
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        counts = [
            f"{row[name]:,} {name}"
            for name in ("accounts", "clusters", "members", "businesses")
            if row[name] is not None
        ]
        result = (
            f"failed: {row['error']}"
            if row["error"]
            else f"result {row['resultHash'][:12]}"
            if row["resultHash"]
            else ""
        )
        typer.echo(
            f"{row['id']}  {row['status']:<10}  {row['startedAt'][:16]}  {', '.join(counts)}  {result}".rstrip()
        )


def cancel_detection(
    run: Annotated[str | None, typer.Argument(help="The run; without: whichever is under way.")] = None,
) -> None:
    """Ask a running detection, here or elsewhere, to stop.

    It stops within seconds and is recorded as failed, `cancelled`. The published result stays. Ctrl-C does
    the same to a run in this terminal.
    """
    from graphsvc.database import open_store
    from graphsvc.store.control import cancel_run as ask

    with open_store(load_settings(), console.print) as store:
        for each in ask(store, run):
            typer.echo(f"{each} was asked to stop.")


def compare_two_runs(
    before: Annotated[
        str | None, typer.Argument(help="The earlier run; without: the one before the last.")
    ] = None,
    now: Annotated[
        str | None, typer.Argument(help="The later run; without: the one that is published.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Clusters, and accounts that moved, to show.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for programs.")] = False,
) -> None:
    """Compare two runs: campaigns that came, grew, merged, split or went, and which accounts moved and why.

    Both runs must have published their result; `graphsvc runs` lists them.
    """
    from graphsvc.analysis.published import read_differences
    from graphsvc.database import open_store

    with open_store(load_settings(), console.print) as store:
        earlier, later = _choose_runs(store, before, now)
        found = read_differences(store, earlier, later)
    if as_json:
        content = {"before": earlier, "now": later, "clusters": found.clusters.to_dicts()}
        typer.echo(json.dumps({**content, "moves": found.moves.to_dicts()}, indent=2))
        return
    print_differences(earlier, later, found, limit)


def print_differences(before: str, now: str, found: "Diff", limit: int) -> None:
    """Print a summary on standard output."""
    import polars as pl

    kinds = found.clusters.group_by("kind").len().sort("kind")
    counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.iter_rows())
    typer.echo(f"From {before} to {now}: clusters {counts or 'none'}; {found.moves.height:,} accounts moved.")
    changed = found.clusters.filter(pl.col("kind") != "same")
    for row in changed.head(limit).iter_rows(named=True):
        typer.echo(f"  {row['cluster']}  {row['kind']:<8} {row['says']}")
    if changed.height > limit:
        typer.echo(f"  and {changed.height - limit:,} more (--limit)")
    for row in found.moves.head(limit).iter_rows(named=True):
        way = f"{row['from'] or '-'} -> {row['to'] or '-'}"
        typer.echo(f"  {row['account']}  {row['kind']:<8} {way}: {row['why']}")
    if found.moves.height > limit:
        typer.echo(f"  and {found.moves.height - limit:,} more (--limit, or --json for all)")


def _choose_runs(store: "Store", before: str | None, now: str | None) -> tuple[str, str]:
    if before is not None and now is not None:
        return before, now
    from graphsvc.store.runs import list_runs as list_all_runs

    # Failed runs and those under way have no clusters to compare.
    done = [run["id"] for run in list_all_runs(store) if run["status"] in {"published", "superseded"}]
    if before is not None and done:
        return before, done[0]
    if len(done) < 2:
        raise NotFound("There are no two runs to compare.", "Run `graphsvc detect` again after a later load.")
    return done[1], done[0]
