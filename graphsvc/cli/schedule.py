"""`graphsvc schedule`: show, pause and resume the detection runs that `graphsvc serve --every` starts."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings

if TYPE_CHECKING:
    from graphsvc.model.schedule import ScheduleHealth

app = typer.Typer(
    no_args_is_help=True,
    help="Show, pause and resume the detection runs that `graphsvc serve --every` or `--cron` starts.",
)


@app.command("status")
def print_status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show the plan, the next run, and whether it is late or paused."""
    from graphsvc.database import open_store
    from graphsvc.store.schedule import read_health

    with open_store(load_settings(), console.print) as store:
        found = read_health(store, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, default=str))
    else:
        _print_health(found)


@app.command("pause")
def pause(
    reason: Annotated[str, typer.Option(help="Why; kept with the schedule and in the audit log.")] = "",
    by: By = None,
) -> None:
    """Start no runs until it is resumed. A run that is under way continues."""
    from graphsvc.database import open_store
    from graphsvc.store.schedule import pause_schedule

    person = make_auditor(by)
    with open_store(load_settings(), console.print) as store:
        _print_health(pause_schedule(store, person, reason.strip(), datetime.now(UTC)))


@app.command("resume")
def resume(by: By = None) -> None:
    """Start runs again from the next time one is due. What was due meanwhile is skipped."""
    from graphsvc.database import open_store
    from graphsvc.store.schedule import resume_schedule

    person = make_auditor(by)
    with open_store(load_settings(), console.print) as store:
        _print_health(resume_schedule(store, person, datetime.now(UTC)))


def _print_health(found: "ScheduleHealth") -> None:
    said = [f"Detection runs: {found.plan} (UTC)."]
    if found.paused_at is not None:
        why = f": {found.reason}" if found.reason else ""
        said.append(f"Paused by {found.paused_by} {found.paused_at:%Y-%m-%d %H:%M}{why}.")
    elif found.late_seconds:
        said.append(f"Late by {found.late_seconds / 60:,.0f} minutes: does a `graphsvc serve --every` run?")
    elif found.next_run_at is not None:
        said.append(f"Next: {found.next_run_at:%Y-%m-%d %H:%M}.")
    if found.last_run_id is not None and found.last_slot is not None:
        said.append(f"Last: {found.last_run_id}, due {found.last_slot:%Y-%m-%d %H:%M}.")
    if found.last_run_failed:
        said.append("The newest run failed: `graphsvc runs` says why.")
    typer.echo(" ".join(said))
