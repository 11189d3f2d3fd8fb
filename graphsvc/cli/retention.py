"""`graphsvc retention`: removes what is older than it is kept."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from graphsvc.cli.decide import By, auditor
from graphsvc.cli.keys import duration
from graphsvc.cli.progress import console
from graphsvc.errors import SettingsError
from graphsvc.settings import settings


def _age(what: str) -> Any:
    return typer.Option(
        parser=duration, metavar="TIME", help=f"How long {what}, for example 90d.", show_default=False
    )


def retention(
    accounts: Annotated[timedelta | None, _age("e-mail, phone and names of accounts are kept")] = None,
    sessions: Annotated[timedelta | None, _age("addresses, devices and user agents are kept")] = None,
    payments: Annotated[timedelta | None, _age("payment instruments are kept")] = None,
    prompts: Annotated[timedelta | None, _age("fingerprints of prompts are kept")] = None,
    identifiers: Annotated[timedelta | None, _age("other identifiers are kept")] = None,
    activity: Annotated[timedelta | None, _age("hours of traffic are kept")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go; nothing is changed.")
    ] = False,
    by: By = None,
) -> None:
    """Remove what was last seen longer ago than it is kept, and signals that nobody uses any more.

    Without a table's option what GRAPHSVC_RETENTION says of it holds, for example `activity=90d,sessions=180d`; a table
    without either is kept. Accounts themselves, clusters, decisions and the audit log stay. Killed and run again, it
    goes on.
    """
    from graphsvc.database import open_store
    from graphsvc.keeping.retention import old, remove
    from graphsvc.store.snapshots import Snapshots

    here = settings()
    asked = {
        "accounts": accounts, "sessions": sessions, "payments": payments, "prompts": prompts,
        "identifiers": identifiers, "activity": activity,
    }  # fmt: skip
    ages = {**_set(here.retention), **{table: age for table, age in asked.items() if age is not None}}
    if not ages:
        raise typer.BadParameter("Say of a table how long it is kept, or set GRAPHSVC_RETENTION.")
    with open_store(here, console.print) as store:
        found = old(store, ages, datetime.now(UTC))
        for each in found:
            what = "hours" if each.table == "activity" else "uses"
            gone = "would go" if dry_run else "go"
            typer.echo(f"{each.table:<12} {each.rows:>12,} {what} before {each.before:%Y-%m-%d %H:%M} {gone}")
        if not dry_run:
            unused = remove(store, auditor(by), Snapshots(here.runs_dir, here.keep_runs), found)
            typer.echo(f"Removed, and {unused:,} signals that nobody uses any more.")


def _set(text: str) -> dict[str, timedelta]:
    """The ages that GRAPHSVC_RETENTION sets, by table."""
    from graphsvc.keeping.retention import TABLES

    ages = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        table, _, age = part.partition("=")
        try:
            if table not in TABLES:
                raise typer.BadParameter("no such table")
            ages[table] = duration(age)
        except typer.BadParameter:
            raise SettingsError(
                "GRAPHSVC_RETENTION cannot be read.",
                f"Write for example activity=90d,sessions=180d; the tables are {', '.join(TABLES)}.",
            ) from None
    return ages
