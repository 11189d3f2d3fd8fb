"""`graphsvc decide`, `assign`, `note`, `pin`, `decisions` and `undo`: people's decisions on clusters and accounts."""

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.model.decisions import Decision, Disposition, On, Pin, Status, Topic

if TYPE_CHECKING:
    from graphsvc.store import Store
    from graphsvc.store.audit import Auditor
    from graphsvc.store.decisions import DecisionRequest

By = Annotated[str | None, typer.Option(help="Who decides; without: your login name.")]
Note = Annotated[str, typer.Option(help="Why; kept with the decision.")]
OnAccount = Annotated[bool, typer.Option("--account", help="The id is an account's, not a cluster's.")]


def set_disposition(
    subject: Annotated[str, typer.Argument(metavar="ID", help="A cluster, found by the last run or not.")],
    disposition: Annotated[
        Disposition,
        typer.Argument(
            help="confirmed: one operator, against the rules. dismissed: nothing to act on. monitoring: not settled, "
            "keep an eye on it. actioned: acted on, elsewhere. appealed: the action is disputed. open: none of "
            "these."
        ),
    ],
    account: OnAccount = False,
    note: Note = "",
    by: By = None,
) -> None:
    """Decide on a cluster or an account. The last decision gives it its status.

    A decision stays with the cluster's id from run to run. A part that splits off gets a copy; a cluster that
    merges keeps its own. If decisions that came together differ, the status is `conflict` until you decide
    again. No decision is ever removed; `graphsvc undo` reverts it, on record. Nothing here acts on accounts.
    """
    from graphsvc.store.decisions import DecisionRequest

    on = On.ACCOUNT if account else On.CLUSTER
    _record_request(DecisionRequest(on, subject, Topic.DISPOSITION, disposition.value, note.strip()), by)


def assign_cluster(
    cluster: Annotated[str, typer.Argument(help="Id of a cluster.")],
    to: Annotated[str, typer.Argument(metavar="[NAME]", help="The assignee; without: unassigned.")] = "",
    by: By = None,
) -> None:
    """Assign a cluster to a person. The assignment follows the cluster as decisions do."""
    from graphsvc.store.decisions import DecisionRequest

    _record_request(DecisionRequest(On.CLUSTER, cluster, Topic.ASSIGNMENT, to.strip()), by)


def add_note(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Id of a cluster.")],
    text: Annotated[str, typer.Argument(help="What to note.")],
    account: OnAccount = False,
    by: By = None,
) -> None:
    """Add a note to a cluster or an account. Notes follow the cluster as decisions do."""
    from graphsvc.store.decisions import DecisionRequest

    if not text.strip():
        raise typer.BadParameter("A note says something.", param_hint="TEXT")
    on = On.ACCOUNT if account else On.CLUSTER
    _record_request(DecisionRequest(on, subject, Topic.NOTE, "", text.strip()), by)


def add_pin(
    a: Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account.")],
    b: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Another one.")],
    operator: Annotated[Pin, typer.Argument(help="Whether the same operator runs both.")],
    note: Note = "",
    by: By = None,
) -> None:
    """Record that one operator runs two accounts, or that two do. The next detection honours it.

    Two different accounts are never in one cluster. Two that are the same are, if one of them is in any.
    """
    from graphsvc.store.decisions import DecisionRequest

    if a == b:
        raise typer.BadParameter("A pin is about two accounts.", param_hint="ACCOUNT")
    # A pair has no direction, so it is stored under the smaller id.
    first, second = sorted((a, b))
    _record_request(DecisionRequest(On.PAIR, first, Topic.PIN, operator.value, note.strip(), second), by)


def undo_decision(
    decision: Annotated[str, typer.Argument(help="Id of a decision (`graphsvc decisions`).")],
    by: By = None,
) -> None:
    """Undo a decision. It stays on record, with who undid it and when. The one before it is active again."""
    from graphsvc.database import open_store
    from graphsvc.store.decisions import undo_decision as take_back

    with open_store(load_settings(), console.print) as store:
        _print_state(store, take_back(store, make_auditor(by), decision, datetime.now(UTC)))


def list_decisions(
    subject: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of a cluster; without: all decisions.")
    ] = None,
    account: OnAccount = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List decisions, newest first: on a cluster and its merged parts, on an account, or all."""
    from graphsvc.database import open_store
    from graphsvc.store.decisions import read_decision_log, read_identity

    with open_store(load_settings(), console.print) as store:
        # Only to report an id that does not exist; accounts without decisions simply have no rows.
        if subject and not account:
            read_identity(store, subject)
        book = read_decision_log(store)
    on = On.ACCOUNT if account else On.CLUSTER
    shown = book.select_about(on, subject) if subject else book.decisions
    # Whether a decision is active depends on all that are about its subject, so each subject is looked at
    # once.
    heads = {(on, subject, "")} if subject else {(each.on, each.subject, each.other) for each in shown}
    forced = {each.id for head in heads for each in book.find_active(*head)}
    if as_json:
        rows = [{**asdict(each), "in_force": each.id in forced} for each in reversed(shown)]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for each in reversed(shown):
        typer.echo(_format_decision(each, each.id in forced))
    if not shown:
        typer.echo(f"There are no decisions yet: `graphsvc decide ID {'|'.join(Disposition)}`.")


def _record_request(wish: "DecisionRequest", by: str | None) -> None:
    from graphsvc.database import open_store
    from graphsvc.store.decisions import record_decision as record

    with open_store(load_settings(), console.print) as store:
        made = record(store, make_auditor(by), wish, datetime.now(UTC))
        _print_state(store, made)
    typer.echo(f"Decision {made.id}; `graphsvc undo {made.id}` takes it back.")


def _format_decision(decision: Decision, forced: bool) -> str:
    subject = " ".join(part for part in (decision.subject, decision.other) if part)
    said = f"{decision.at:%Y-%m-%d %H:%M}  {decision.id}  {subject}  {_format_value(decision):<10}  by {decision.by}"
    if decision.on is On.CLUSTER:
        said += f", on {decision.size:,} accounts"
    if decision.copied_from:
        said += f", copied from {decision.origin}"
    if decision.undone_at:
        said += f", undone by {decision.undone_by} {decision.undone_at:%Y-%m-%d %H:%M}"
    elif not forced:
        said += ", superseded"
    return said + (f": {decision.note}" if decision.note else "")


def _format_value(decision: Decision) -> str:
    if decision.topic is Topic.ASSIGNMENT:
        return f"for {decision.value}" if decision.value else "unassigned"
    return decision.value or decision.topic.value


def _print_state(store: "Store", decision: Decision) -> None:
    from graphsvc.store.decisions import read_identity

    if decision.on is not On.CLUSTER:
        typer.echo(
            f"{decision.topic.value} on {' and '.join(filter(None, (decision.subject, decision.other)))}."
        )
        return
    now = read_identity(store, decision.subject)
    typer.echo(f"Cluster {now.id} ({now.size:,} accounts, {now.state}) is {now.status}.")
    if now.status == Status.CONFLICT:
        typer.echo(
            f"Decisions that came together differ: see `graphsvc decisions {now.id}`, and decide again."
        )


def make_auditor(by: str | None) -> "Auditor":
    """Return the writer of audit entries for the person at this command line; None: by the login name."""
    from graphsvc.signing import load_or_create_signer
    from graphsvc.store.audit import Auditor

    name = getpass.getuser() if by is None else by.strip()
    if not name:
        raise typer.BadParameter("A decision has an author.", param_hint="--by")
    return Auditor(load_or_create_signer(load_settings()), name, "cli")
