"""Events of the outbox, and their cursors."""

from strawberry.scalars import JSON

from graphsvc.api.context import Info
from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.pagination import decode_cursor, encode_cursor
from graphsvc.api.types.run import BigInt
from graphsvc.errors import EventsExpired
from graphsvc.model.events import Event, EventType
from graphsvc.store.events import EVENTS_REMOVED, LAST

__all__ = ["Event", "EventType", "check_kept", "decode_number", "encode_number"]

describe_enum(
    EventType,
    "EventType",
    "Types of events.",
    {
        EventType.CLUSTER_BORN: "A run found a new cluster.",
        EventType.CLUSTER_GROWN: "A cluster has at least a tenth more accounts than in the run before.",
        EventType.CLUSTER_MERGED: "Another cluster, `previousId`, became part of it.",
        EventType.CLUSTER_SPLIT: "It came off another cluster, `previousId`, which continues.",
        EventType.CLUSTER_REVIVED: "A cluster that earlier runs had lost was found again.",
        EventType.CLUSTER_ENDED: "A run did not find the cluster.",
        EventType.ACCOUNT_SCORED: "A recorded sign-up belongs to a campaign with more than a threshold.",
        EventType.DECISION_MADE: "A person decided on a cluster, an account or two accounts.",
        EventType.DECISION_UNDONE: "A person undid a decision.",
        EventType.RUN_PUBLISHED: "A run published its clusters.",
        EventType.RUN_FAILED: "A run ended with an error, or died.",
        EventType.RUN_LATE: "A run of the schedule did not begin in time.",
        EventType.WEBHOOK_TEST: "A test of a webhook. It is sent to that alone.",
    },
)
describe_model(Event, types={"data": JSON, "number": BigInt})


def encode_number(event: Event) -> str:
    """Return the cursor of an event."""
    return encode_cursor("events", (event.number,))


def decode_number(after: str | None, start: int) -> int:
    """Return the number in a cursor, or `start` without one. Raise as `decode_cursor`."""
    (number,) = decode_cursor("events", after, (start,))
    return max(-1, min(int(number), LAST))


async def check_kept(info: Info, number: int) -> None:
    """Check that all events after a number are still there.

    Raises:
        EventsExpired: retention removed some.
    """
    (removed,) = await info.context.reader.read(EVENTS_REMOVED)
    if number < removed:
        raise EventsExpired(
            "Events after this one were removed by retention.",
            "Read what there is now, and continue from the first event that `events` has.",
        )
