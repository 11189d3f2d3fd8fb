"""`graphsvc forget`: erase accounts."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings

if TYPE_CHECKING:
    from graphsvc.store.forgetting import AccountTraces


def forget_accounts(
    accounts: Annotated[list[str], typer.Argument(metavar="ACCOUNT...", help="Ids of accounts.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go; nothing is changed.")
    ] = False,
    allow: Annotated[
        bool,
        typer.Option(
            "--allow",
            help="The opposite: take them off the list, so that `load --again` may bring them back.",
        ),
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why, for example a ticket; kept in the audit log. No ids.")
    ] = "",
    by: By = None,
) -> None:
    """Erase accounts, with their activity and every signal that only they used.

    Clusters stay and count the missing member. Decisions on the account stay under a pseudonym, which cannot
    be turned back into the id and is all that the audit log ever held. Snapshots of runs that read the
    account are removed, and the index that sign-ups are scored by no longer names it. Later loads skip its rows
    and count them as rejected (`forgotten_account`). Doing it again changes nothing.
    """
    from graphsvc.database import open_store
    from graphsvc.scoring.files import IndexFiles
    from graphsvc.store import forgetting
    from graphsvc.store.snapshots import Snapshots

    # Before the database is opened, so that a missing name is reported at once.
    here, person = load_settings(), make_auditor(by)
    snapshots = Snapshots(here.runs_dir, here.keep_runs)
    with open_store(here, console.print) as store:
        if allow:
            forgetting.allow_accounts(store, person, accounts, reason)
            typer.echo("Later loads may bring them back; a bundle that was loaded before needs --again.")
            return
        if dry_run:
            for each in forgetting.find_traces(store, person.signer, snapshots, accounts):
                typer.echo(_format_account(each, "would go"))
            return
        indexes = IndexFiles(here.score_dir)
        done = forgetting.forget_accounts(store, person, snapshots, indexes, accounts, reason)
    for each in done.accounts:
        # Ids are shown here and nowhere else: the log has pseudonyms only.
        typer.echo(_format_account(each, "gone") if each.there else f"{each.account}: was forgotten before")
    for run in done.runs:
        typer.echo(
            f"The run {run} was under way and may have read them before: forget them again when it has ended.",
            err=True,
        )


def _format_account(what: "AccountTraces", gone: str) -> str:
    said = f"{what.account}: {gone}: the account, {what.uses:,} uses, {what.signals:,} signals that only it used, "
    said += (
        f"{what.months:,} months of activity, {what.outcomes:,} outcomes, {what.snapshots:,} kept graphs. "
    )
    said += f"It is taken out of {what.clusters:,} clusters and {what.decisions:,} decisions."
    if what.entries:
        said += f" {what.entries:,} entries of the audit log name it in their text, and stay."
    return said
