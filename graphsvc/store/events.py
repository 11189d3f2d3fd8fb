"""The outbox of events: write into it in the transaction of what they tell of, and read from it in order."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from graphsvc.model.events import Event, EventType, NewEvent
from graphsvc.model.rows import parse_row
from graphsvc.store.connection import Row, Store
from graphsvc.store.queries.query import Query

FAILURES: tuple[str, Row] = ("events/failures", {})
"""Step that follows one that marks runs as failed."""
LAST = 2**62
"""Larger than every number of an event."""
EVENTS_PAGE = Query("events/page", Event, "event")
EVENTS_REMOVED = Query("events/removed", int, "removed")


def build_append_step(events: Sequence[NewEvent]) -> tuple[str, Row]:
    """Build the step that writes events, the last of its transaction."""
    return "events/append", {"events": [asdict(each) for each in events]}


def build_page_parameters(
    number: int, limit: int, types: Sequence[EventType] | None, *, newest_first: bool, until: int = LAST
) -> Row:
    """Build the parameters of `EVENTS_PAGE`: events below `number` newest first, or above it up to `until`."""
    wanted = list(EventType) if types is None else types
    return {
        "number": number,
        "limit": limit,
        "newest_first": newest_first,
        "until": until,
        "types": [each.value for each in wanted],
    }


def read_last_number(store: Store) -> int:
    """Read the number up to which all events can be read, after the writers that are under way.

    Without their lock a reading may see some events of a commit before others, and later ones before earlier ones.
    """
    rows = store.write("events/settle")
    return int(rows[0]["number"]) if rows else 0


def read_events_after(store: Store, number: int, limit: int) -> list[Event]:
    """Read the events with larger numbers, in order, none left out."""
    until = read_last_number(store)
    asked = build_page_parameters(number, limit, None, newest_first=False, until=until)
    return [parse_row(Event, row["event"]) for row in store.read("events/page", **asked)]


def take_complete(events: Sequence[Event], number: int) -> list[Event]:
    """Return the events that follow a number without a gap: what a reading without the lock can rely on."""
    return [each for place, each in enumerate(events, number + 1) if each.number == place]


def count_old_events(store: Store, before: datetime) -> int:
    """Count the events before a time that no webhook waits for."""
    return int(store.read("events/old", before=before)[0]["events"])


def remove_old_events(store: Store, before: datetime) -> None:
    """Remove the events before a time that no webhook waits for, with the records of their deliveries."""
    store.write("events/mark_removed", before=before)
    store.run_autocommit("events/remove_old")
