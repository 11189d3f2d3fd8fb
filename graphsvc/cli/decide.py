"""`graphsvc decide`, `decisions` and `undo`: what people say on clusters."""

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.model.decisions import Decision, Status, Verdict
from graphsvc.settings import settings

if TYPE_CHECKING:
    from graphsvc.store import Store

By = Annotated[str | None, typer.Option(help="Who decides; without: your login name.")]


def decide(
    cluster: Annotated[str, typer.Argument(help="Id of a cluster, found by the last run or not.")],
    verdict: Annotated[
        Verdict,
        typer.Argument(
            help="confirmed: one operator, against the rules. benign: nothing to act on. watching: not settled, "
            "keep an eye on it."
        ),
    ],
    note: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    by: By = None,
) -> None:
    """Decide on a cluster. The last decision says what its status is.

    A decision stays with the cluster's id from run to run. What splits off gets a copy; what merges keeps its own, and
    where decisions that came together differ the status is `conflict` until somebody decides again. Nothing that was
    decided is ever removed; `graphsvc undo` takes it back, on record.
    """
    from graphsvc.database import open_store
    from graphsvc.store.decisions import decide as record

    with open_store(settings(), console.print) as store:
        made = record(store, cluster, verdict, _who(by), note.strip(), datetime.now(UTC))
        _told(store, cluster)
    typer.echo(f"Decision {made.id}; `graphsvc undo {made.id}` takes it back.")


def undo(
    decision: Annotated[str, typer.Argument(help="Id of a decision (`graphsvc decisions`).")],
    by: By = None,
) -> None:
    """Take a decision back. It stays on record, with who undid it and when; the one before it is in force again."""
    from graphsvc.database import open_store
    from graphsvc.store.decisions import undo as take_back

    with open_store(settings(), console.print) as store:
        undone = take_back(store, decision, _who(by), datetime.now(UTC))
        _told(store, undone.cluster)


def decisions(
    cluster: Annotated[str | None, typer.Argument(help="Id of a cluster; without: all decisions.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List decisions, newest first: on one cluster and on what is part of it now, or all there are."""
    from graphsvc.campaigns.lineage.decisions import about, in_force
    from graphsvc.database import open_store
    from graphsvc.store.decisions import read_book, read_identity

    with open_store(settings(), console.print) as store:
        if cluster:
            read_identity(store, cluster)
        book = read_book(store)
    shown = about(cluster, book.decisions, book.mergers) if cluster else book.decisions
    heads = [cluster] if cluster else sorted({decision.cluster for decision in shown})
    forced = {each.id for head in heads for each in in_force(head, book.decisions, book.mergers)}
    if as_json:
        rows = [{**asdict(each), "in_force": each.id in forced} for each in reversed(shown)]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for each in reversed(shown):
        typer.echo(_line(each, each.id in forced))
    if not shown:
        typer.echo("Nobody has decided yet: `graphsvc decide CLUSTER confirmed|benign|watching`.")


def _line(decision: Decision, forced: bool) -> str:
    said = f"{decision.at:%Y-%m-%d %H:%M}  {decision.id}  {decision.cluster}  {decision.verdict.value:<9}  "
    said += f"by {decision.by}, on {decision.size:,} accounts"
    if decision.copied_from:
        said += f", copied from {decision.origin}"
    if decision.undone_at:
        said += f", undone by {decision.undone_by} {decision.undone_at:%Y-%m-%d %H:%M}"
    elif not forced:
        said += ", answered by a later one"
    return said + (f": {decision.note}" if decision.note else "")


def _told(store: "Store", cluster: str) -> None:
    from graphsvc.store.decisions import read_identity

    now = read_identity(store, cluster)
    typer.echo(f"Cluster {cluster} ({now.size:,} accounts, {now.state}) is {now.status}.")
    if now.status == Status.CONFLICT:
        typer.echo(
            f"Decisions that came together differ: see `graphsvc decisions {cluster}`, and decide again."
        )


def _who(by: str | None) -> str:
    name = getpass.getuser() if by is None else by.strip()
    if not name:
        raise typer.BadParameter("A decision has an author.", param_hint="--by")
    return name
