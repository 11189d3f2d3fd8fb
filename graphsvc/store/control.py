"""Stopping a run from outside: a wish in its record, which the run itself looks for."""

from graphsvc.errors import Cancelled, Conflict, NotFound
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store


def cancel_run(store: Store, run: str | None = None) -> list[str]:
    """Asks `run`, or whichever run is under way, to stop. Returns the ids of those asked.

    Raises:
        NotFound: it is not under way.
        DatabaseUnavailable, DatabaseRefused
    """
    asked = [row["id"] for row in store.write("publish/cancel", run=run)]
    if not asked:
        raise NOT_UNDER_WAY
    return asked


def cancel_run_audited(store: Store, auditor: Auditor, run: str) -> None:
    """The same of one run, on record.

    Raises:
        NotFound: it is not under way.
        DatabaseUnavailable, DatabaseRefused
    """
    if not auditor.write(store, "cancelRun", run, guards=(("publish/cancel", {"run": run}),)):
        raise NOT_UNDER_WAY


NOT_UNDER_WAY = NotFound(
    "No such detection run is under way.", "`graphsvc runs` lists the runs and how far they came."
)


SILENT_SECONDS = 120
"""A run that has not been heard of for so long has died."""


def request_run(store: Store, auditor: Auditor, run: str, *, engine: str, algorithm: str, seed: int) -> None:
    """Opens the record of a run that a process is to be started for, on record.

    Raises:
        Conflict: another run is under way.
        DatabaseUnavailable, DatabaseRefused
    """
    asked = {"id": run, "engine": engine, "algorithm": algorithm, "seed": seed, "by": auditor.actor}
    guard = ("publish/request", {**asked, "silent_ms": SILENT_SECONDS * 1000})
    if not auditor.write(
        store, "startDetection", run, guards=(guard,), details={"engine": engine, "seed": seed}
    ):
        raise Conflict("A detection run is under way.", "Wait for it, or cancel it.")


def record_heartbeat(store: Store, run: str, stage: str, done: int, total: int) -> None:
    """Says how far the run that calls it is, and ends it when somebody asked it to stop.

    Raises:
        Cancelled
        DatabaseUnavailable, DatabaseRefused
    """
    rows = store.write("publish/beat", run=run, stage=stage, done=done, total=total)
    if rows and rows[0]["cancelled"]:
        raise Cancelled("The run was cancelled.", "What was published before is untouched.")
