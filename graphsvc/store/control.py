"""Stopping a run from outside: a wish in its record, which the run itself looks for."""

from graphsvc.errors import Cancelled, NotFound
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store


def cancel(store: Store, run: str | None = None) -> list[str]:
    """Asks `run`, or whichever run is under way, to stop. Returns the ids of those asked.

    Raises:
        NotFound: it is not under way.
        DatabaseUnavailable, DatabaseRefused
    """
    asked = [row["id"] for row in store.write("publish/cancel", run=run)]
    if not asked:
        raise NOT_UNDER_WAY
    return asked


def cancel_audited(store: Store, auditor: Auditor, run: str) -> None:
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


def heed(store: Store, run: str) -> None:
    """Ends the run that calls it when somebody asked it to stop.

    Raises:
        Cancelled
        DatabaseUnavailable, DatabaseRefused
    """
    if store.read("publish/cancelled", run=run):
        raise Cancelled("The run was cancelled.", "What was published before is untouched.")
