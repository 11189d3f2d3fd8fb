"""`graphsvc retention`: remove data older than their retention."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.durations import parse_duration
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import SettingsError


def _build_age_option(what: str) -> Any:
    return typer.Option(
        parser=parse_duration, metavar="TIME", help=f"How long {what}, for example 90d.", show_default=False
    )


def remove_expired(
    accounts: Annotated[
        timedelta | None, _build_age_option("e-mail, phone and names of accounts are kept")
    ] = None,
    sessions: Annotated[
        timedelta | None, _build_age_option("addresses, devices and user agents are kept")
    ] = None,
    payments: Annotated[timedelta | None, _build_age_option("payment instruments are kept")] = None,
    prompts: Annotated[timedelta | None, _build_age_option("fingerprints of prompts are kept")] = None,
    identifiers: Annotated[timedelta | None, _build_age_option("other identifiers are kept")] = None,
    activity: Annotated[timedelta | None, _build_age_option("hours of traffic are kept")] = None,
    events: Annotated[
        timedelta | None, _build_age_option("events that no webhook waits for are kept")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go; nothing is changed.")
    ] = False,
    by: By = None,
) -> None:
    """Remove data that were last seen before their retention, and signals that no account uses any more.

    Without an option for a table GRAPHSVC_RETENTION applies, for example `activity=90d,sessions=180d`. A
    table without either is kept. Accounts, clusters, decisions and the audit log stay. An interrupted removal
    continues when you run it again.
    """
    from graphsvc.database import open_store
    from graphsvc.store.retention import find_old, remove_old
    from graphsvc.store.snapshots import Snapshots

    here = load_settings()
    asked = {
        "accounts": accounts, "sessions": sessions, "payments": payments, "prompts": prompts,
        "identifiers": identifiers, "activity": activity, "events": events,
    }  # fmt: skip
    # Options win over the setting, table by table.
    ages = {**_parse_ages(here.retention), **{table: age for table, age in asked.items() if age is not None}}
    if not ages:
        raise typer.BadParameter("Say of a table how long it is kept, or set GRAPHSVC_RETENTION.")
    with open_store(here, console.print) as store:
        # The boundary is fixed here: what is shown is what is removed.
        found = find_old(store, ages, datetime.now(UTC))
        for each in found:
            what = {"activity": "hours", "events": "events"}.get(each.table, "uses")
            gone = "would go" if dry_run else "go"
            typer.echo(f"{each.table:<12} {each.rows:>12,} {what} before {each.before:%Y-%m-%d %H:%M} {gone}")
        if not dry_run:
            unused = remove_old(store, make_auditor(by), Snapshots(here.runs_dir, here.keep_runs), found)
            typer.echo(f"Removed, and {unused:,} signals that no account uses any more.")


def _parse_ages(text: str) -> dict[str, timedelta]:
    """Parse the ages of GRAPHSVC_RETENTION, by table."""
    from graphsvc.store.retention import TABLES

    ages = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        table, _, age = part.partition("=")
        try:
            if table not in TABLES:
                raise typer.BadParameter("no such table")
            ages[table] = parse_duration(age)
        except typer.BadParameter:
            raise SettingsError(
                "GRAPHSVC_RETENTION cannot be read.",
                f"Write for example activity=90d,sessions=180d; the tables are {', '.join(TABLES)}.",
            ) from None
    return ages
