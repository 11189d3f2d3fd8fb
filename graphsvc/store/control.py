"""Control runs from outside: requests in a run's record, which the run itself checks."""

import time

from graphsvc.errors import Cancelled, Conflict, NotFound
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.events import FAILURES
from graphsvc.types import Progress


def cancel_run(store: Store, run: str | None = None) -> list[str]:
    """Ask a run to stop, or the one under way if `run` is None.

    Returns:
        Ids of the runs asked.

    Raises:
        NotFound: it is not under way.
        DatabaseUnavailable, DatabaseRefused
    """
    asked = [row["id"] for row in store.write("publish/cancel", run=run)]
    if not asked:
        raise _build_not_under_way()
    return asked


def cancel_run_audited(store: Store, auditor: Auditor, run: str) -> None:
    """Ask one run to stop, with an entry in the audit log.

    Raises:
        NotFound: it is not under way.
        DatabaseUnavailable, DatabaseRefused
    """
    if not auditor.write(store, "cancelRun", run, guards=(("publish/cancel", {"run": run}),)):
        raise _build_not_under_way()


def _build_not_under_way() -> NotFound:
    return NotFound(
        "No such detection run is under way.", "`graphsvc runs` lists the runs and how far they came."
    )


def mark_failed(store: Store, run: str, error: str) -> None:
    """Mark a run as failed, with its event, unless it is not running any more."""
    store.run_transaction(("publish/fail", {"run": run, "error": error}), FAILURES)


LOOKING_SECONDS = 1.0
"""Seconds between two looks of a run for a request to stop."""
SILENT_SECONDS = 120
"""Seconds without a heartbeat after which a run counts as dead."""


def request_run(store: Store, auditor: Auditor, run: str, *, engine: str, algorithm: str, seed: int) -> None:
    """Create the record of a requested run, with an entry in the audit log. A process is to be started for it.

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


def watch_requests(store: Store, run: str, progress: Progress) -> Progress:
    """Return a `progress` that also records the run's heartbeat every second.

    It raises `Cancelled` if the run was asked to stop.
    """
    looked = time.monotonic()

    def report(stage: str, done: int, total: int) -> None:
        nonlocal looked
        progress(stage, done, total)
        # Stages report thousands of times a second; each heartbeat is a transaction.
        if time.monotonic() - looked >= LOOKING_SECONDS:
            record_heartbeat(store, run, stage, done, total)
            looked = time.monotonic()

    return report


def record_heartbeat(store: Store, run: str, stage: str, done: int, total: int) -> None:
    """Record the progress of the calling run, and end it if it was asked to stop.

    Raises:
        Cancelled: it was asked to stop.
        DatabaseUnavailable, DatabaseRefused
    """
    rows = store.write("publish/beat", run=run, stage=stage, done=done, total=total)
    if rows and rows[0]["cancelled"]:
        raise Cancelled("The run was cancelled.", "What was published before is untouched.")
