"""Choose the events that a webhook wants, and the hours it wants them at."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, time, tzinfo
from zoneinfo import ZoneInfo

from graphsvc.errors import WebhookError
from graphsvc.model.events import Event, EventType
from graphsvc.model.webhooks import AlertRule, Delivery, EventFilter, Webhook

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


def select_rules(event: Event, rules: Sequence[AlertRule], followed: Collection[str] = ()) -> list[str]:
    """Select the rules that want an event, by name; see `is_wanted`."""
    return [each.name for each in rules if is_wanted(event, each.filter, followed)]


def needs_followed(webhook: Webhook) -> bool:
    """Return whether it must be known which clusters people follow, to tell what a webhook wants."""
    return any(each.followed for each in list_filters(webhook))


def list_filters(webhook: Webhook) -> list[EventFilter]:
    """List the filters of a webhook: those of its rules, or its own. One of them must want an event."""
    return [webhook.filter] if webhook.rules is None else [each.filter for each in webhook.rules]


def is_held(delivery: Delivery, webhook: Webhook, moment: datetime) -> bool:
    """Return whether a delivery waits for the end of quiet hours: of all rules that selected it, or of the webhook."""
    rules = webhook.rules or ()
    hours = [each.filter.quiet for each in rules if each.name in delivery.rules]
    # What was queued for rules that are gone by now is sent: it was wanted.
    hours = [webhook.filter.quiet] if webhook.rules is None else hours
    return bool(hours) and all(is_quiet(each, moment) for each in hours)


def find_common(rules: Sequence[AlertRule]) -> EventFilter:
    """Find the strictest filter that all events pass which one of the rules selects.

    Args:
        rules: at least one.
    """
    filters = [each.filter for each in rules]
    types = {name for each in filters for name in each.types}
    quiet = {each.quiet for each in filters}
    return EventFilter(
        [] if any(not each.types for each in filters) else [name for name in EventType if name in types],
        min(each.min_size for each in filters),
        min(each.min_growth for each in filters),
        min(each.min_score for each in filters),
        all(each.followed for each in filters),
        quiet.pop() if len(quiet) == 1 else "",
    )


def describe_filter(wanted: EventFilter) -> str:
    """Describe a filter in a line."""
    parts = [", ".join(each.value for each in wanted.types) or "all events"]
    parts += [f"size {wanted.min_size:,}+"] if wanted.min_size else []
    parts += [f"growth {wanted.min_growth:,}+"] if wanted.min_growth else []
    parts += [f"score {wanted.min_score:g}+"] if wanted.min_score else []
    parts += ["watched or assigned"] if wanted.followed else []
    parts += [f"quiet {wanted.quiet}"] if wanted.quiet else []
    return "; ".join(parts)


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
