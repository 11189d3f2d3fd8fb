"""Choose the events that a webhook wants, and the hours it wants them at."""

import re
from collections.abc import Collection
from datetime import datetime, time, tzinfo
from zoneinfo import ZoneInfo

from graphsvc.errors import WebhookError
from graphsvc.model.events import Event, EventType
from graphsvc.model.webhooks import EventFilter

_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: (\S+))?")


def is_wanted(event: Event, wanted: EventFilter, followed: Collection[str] = ()) -> bool:
    """Return whether a webhook wants an event. Sizes, growth and scores filter events that have them.

    Args:
        event: of the outbox.
        wanted: filter of the webhook.
        followed: clusters that people watch or that are assigned to one; read only if the filter asks for them.
    """
    if wanted.types and event.type not in wanted.types:
        return False
    clusters = {event.subject, event.related} if event.data.get("clusterId") else set[str]()
    if wanted.followed and clusters and clusters.isdisjoint(followed):
        return False
    before, after = event.data.get("accountsBefore"), event.data.get("accountsAfter")
    if isinstance(before, int) and isinstance(after, int):
        if max(before, after) < wanted.min_size:
            return False
        if event.type is EventType.CLUSTER_GROWN and after - before < wanted.min_growth:
            return False
    score = event.data.get("score")
    return not isinstance(score, float) or score >= wanted.min_score


def parse_quiet(text: str) -> tuple[time, time, tzinfo]:
    """Parse hours like `22:00-06:00` or `22:00-06:00 Europe/Berlin`; without a zone they are UTC.

    Raises:
        WebhookError: the text is none of these.
    """
    found = _QUIET.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        zone = ZoneInfo(found[5] or "UTC")
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise WebhookError(
            f"{text!r} are no hours.", "Write 22:00-06:00, or with a zone 22:00-06:00 Europe/Berlin."
        ) from None
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])), zone


def is_quiet(text: str, moment: datetime) -> bool:
    """Return whether a time (UTC) is in quiet hours; '': without any. They may span midnight."""
    if not text:
        return False
    begin, end, zone = parse_quiet(text)
    now = moment.astimezone(zone).time()
    return begin <= now < end if begin <= end else now >= begin or now < end
