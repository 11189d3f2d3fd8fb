"""Webhooks and their deliveries: the definition of endpoints, and what is still to be sent to each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from graphsvc.errors import Conflict, NotFound
from graphsvc.events.filters import find_common
from graphsvc.events.secrets import Sealer, Target, generate_secret
from graphsvc.model.rows import parse_row
from graphsvc.model.webhooks import AlertRule, Delivery, DeliveryState, EventFilter, Webhook, WebhookFormat
from graphsvc.store.audit import Auditor, Change
from graphsvc.store.connection import Store
from graphsvc.store.queries.query import Query

MOST = 20
"""Webhooks of an installation: each may keep a thread of the sender busy."""
WEBHOOKS = Query("webhooks/list", Webhook, "webhook")


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint that is yet to be stored.

    Attributes:
        name: that people know it by.
        url: address; checked by the caller (`delivery.sender.check_endpoint`).
        host: of the address, which may be shown.
        form: of what is sent.
    """

    name: str
    url: str = field(repr=False)
    host: str
    form: WebhookFormat


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of the rules of one webhook, as a file of rules asks for it.

    Attributes:
        webhook: as it was read, or the endpoint that is to be added.
        rules: it has afterwards; None: it is removed.
    """

    webhook: Webhook | NewEndpoint
    rules: list[AlertRule] | None


def add_webhook(
    store: Store,
    auditor: Auditor,
    sealer: Sealer,
    *,
    url: str,
    host: str,
    name: str,
    form: WebhookFormat,
    wanted: EventFilter,
) -> tuple[Webhook, str]:
    """Add a webhook for events from now on, with an entry in the audit log.

    Args:
        store: the database.
        auditor: the person.
        sealer: seals the address and the secret.
        url: address; checked by the caller (`delivery.post.Poster.check_url`).
        host: of the address.
        name: that people know it by.
        form: of what is sent.
        wanted: events to send.

    Returns:
        The webhook and its secret, which is shown nowhere else.

    Raises:
        Conflict: there are as many as there may be.
    """
    # The id comes first, since the seal is bound to it.
    webhook, secret = f"w{uuid4().hex[:15]}", generate_secret()
    properties = {
        "name": name,
        "host": host,
        "format": form.value,
        **_build_filter(wanted),
        "createdBy": auditor.actor,
        "sealed": sealer.seal(webhook, Target(url, secret)),
    }
    guard = ("webhooks/add", {"id": webhook, "properties": properties, "most": MOST})
    if not auditor.write(store, "addWebhook", webhook, guards=(guard,), details={"name": name, "host": host}):
        raise Conflict(f"There are {MOST} webhooks, as many as there may be.", "Remove one.")
    return read_webhook(store, webhook), secret


def apply_rules(store: Store, auditor: Auditor, sealer: Sealer, changes: Sequence[RuleChange]) -> None:
    """Make all changes of a file of rules in one transaction, with an entry in the audit log for each.

    Raises:
        Conflict: someone else changed webhooks since they were read, or there are too many; nothing was changed.
    """
    # Removals come first, since they make room.
    ordered = sorted(changes, key=lambda each: each.rules is not None)
    steps = [_build_change(auditor, sealer, each) for each in ordered]
    if steps and not auditor.write_all(store, steps):
        raise Conflict(
            f"Webhooks were changed by someone else meanwhile, or there are more than {MOST}.",
            "Nothing was changed. Look at the changes again (--dry-run), or remove webhooks.",
        )


def _build_change(auditor: Auditor, sealer: Sealer, change: RuleChange) -> Change:
    """Build the statements and the entry of one change."""
    before = change.webhook
    if change.rules is None:
        assert isinstance(before, Webhook)  # noqa: S101
        return Change("removeWebhook", before.id, (("webhooks/remove", {"id": before.id}),))
    texts = _format_rules(change.rules)
    common = _build_filter(find_common(change.rules)) if change.rules else {}
    names = [each.name for each in change.rules]
    if isinstance(before, Webhook):
        known = before.rule_texts
        # `before` makes it a compare and swap: rules that someone else changed meanwhile are not overwritten.
        row = {"id": before.id, "before": known, "rules": texts, "common": common}
        details = {"name": before.name, "rules": names, "before": known, "after": texts}
        return Change("changeWebhookRules", before.id, (("webhooks/rules", row),), details)
    webhook = f"w{uuid4().hex[:15]}"
    properties = {
        "name": before.name,
        "host": before.host,
        "format": before.form.value,
        **(common or _build_filter(EventFilter())),
        "rules": texts,
        "createdBy": auditor.actor,
        "sealed": sealer.seal(webhook, Target(before.url, generate_secret())),
    }
    # Files of rules name webhooks, so two of one name could not be told apart.
    guards = (
        ("webhooks/name_free", {"name": before.name}),
        ("webhooks/add", {"id": webhook, "properties": properties, "most": MOST}),
    )
    details = {"name": before.name, "host": before.host, "rules": names, "after": texts}
    return Change("addWebhook", webhook, guards, details)


def _format_rules(rules: Sequence[AlertRule]) -> list[str]:
    """Format rules as they are stored: the same text for the same rule."""
    return [
        json.dumps({"name": each.name, **_build_filter(each.filter)}, sort_keys=True, ensure_ascii=False)
        for each in rules
    ]


def _build_filter(wanted: EventFilter) -> dict[str, object]:
    """Build the properties of a filter."""
    return {
        "types": [each.value for each in wanted.types],
        "minSize": wanted.min_size,
        "minGrowth": wanted.min_growth,
        "minScore": wanted.min_score,
        "followed": wanted.followed,
        "quiet": wanted.quiet,
    }


def list_webhooks(store: Store) -> list[Webhook]:
    """List all webhooks in the order of their addition."""
    return [parse_row(Webhook, row["webhook"]) for row in store.read(WEBHOOKS.statement, id=None)]


def read_webhook(store: Store, webhook: str) -> Webhook:
    """Read a webhook.

    Raises:
        NotFound: there is none of this id.
    """
    rows = store.read(WEBHOOKS.statement, id=webhook)
    if not rows:
        raise NotFound(f"There is no webhook {webhook}.", "`graphsvc webhooks list` lists them.")
    return parse_row(Webhook, rows[0]["webhook"])


def remove_webhook(store: Store, auditor: Auditor, webhook: str) -> None:
    """Remove a webhook with all that waits for it, with an entry in the audit log.

    Raises:
        NotFound: there is none of this id.
    """
    read_webhook(store, webhook)
    auditor.write(store, "removeWebhook", webhook, guards=(("webhooks/remove", {"id": webhook}),))


def rotate_secret(
    store: Store, auditor: Auditor, sealer: Sealer, webhook: str, moment: datetime, grace: timedelta
) -> str:
    """Give a webhook a new secret and return it. Until `grace` is over, both sign.

    Raises:
        NotFound: there is none of this id.
        Conflict: someone else rotated it at the same time.
    """
    sealed = read_webhook(store, webhook).sealed
    target = sealer.open(webhook, sealed).rotate(moment, grace)
    # Compare and swap: else two rotations at once would lose a secret that a person was shown.
    swap = {"id": webhook, "before": sealed, "sealed": sealer.seal(webhook, target)}
    details = {"graceSeconds": int(grace.total_seconds())}
    if not auditor.write(store, "rotateWebhook", webhook, guards=(("webhooks/seal", swap),), details=details):
        raise Conflict("The secret was rotated by someone else at the same time.", "Rotate it again.")
    return target.secret


def queue_again(store: Store, auditor: Auditor, webhook: str, event: str | None = None) -> int:
    """Queue what was given up or waits, or one event whatever became of it, for an attempt now.

    Returns:
        How many deliveries that are.

    Raises:
        NotFound: there is no such webhook, or the event was not queued for it.
    """
    known = read_webhook(store, webhook)
    step = ("webhooks/redeliver", {"webhook": webhook, "event": event})
    found = auditor.write(store, "redeliverWebhook", webhook, guards=(step,), details={"event": event})
    if event is None:
        return known.dead + known.pending
    if not found:
        raise NotFound(
            f"The event {event} was not queued for webhook {webhook}.",
            "Its filter leaves the event out, or retention removed it.",
        )
    return 1


def has_work(store: Store) -> bool:
    """Return whether an event is yet to be queued, or a delivery due."""
    (row,) = store.read("webhooks/look")
    return bool(row["behind"] or row["due"])


def take_lease(store: Store, holder: str, seconds: int) -> bool:
    """Take or renew the lease of the sender; False: another process has it."""
    return bool(store.write("webhooks/lease", holder=holder, seconds=seconds))


def release_lease(store: Store, holder: str) -> None:
    """Give the lease back."""
    store.write("webhooks/release", holder=holder)


def enqueue(
    store: Store,
    lease: tuple[str, int],
    webhook: str,
    events: Sequence[tuple[str, list[str] | None]],
    position: int,
) -> bool:
    """Queue events for a webhook, up to a number that it has looked at; False: the lease was lost.

    Args:
        store: the database.
        lease: of the sender.
        webhook: its id.
        events: id, and names of the rules that selected it; None: a filter did.
        position: number of the last event that was looked at.
    """
    wanted = [{"id": event, "rules": rules} for event, rules in events]
    step = {"webhook": webhook, "events": wanted, "position": position}
    return store.write_guarded(_build_guard(lease), ("webhooks/enqueue", step))


def read_pending(store: Store, webhook: str, limit: int, after: int = -1) -> list[Delivery]:
    """Read what waits for a webhook, by number, from those after a number on."""
    rows = store.read("webhooks/pending", webhook=webhook, limit=limit, after=after)
    return [parse_row(Delivery, row) for row in rows]


def record_attempt(
    store: Store,
    lease: tuple[str, int],
    key: str,
    state: DeliveryState,
    *,
    attempts: int,
    pause: float,
    status: str,
) -> bool:
    """Record what came of an attempt; False: the lease was lost."""
    step = {"key": key, "state": state.value, "attempts": attempts, "pause": pause, "status": status}
    return store.write_guarded(_build_guard(lease), ("webhooks/record", step))


def _build_guard(lease: tuple[str, int]) -> tuple[str, dict[str, str | int]]:
    """Build the guard that lets only the holder of the lease write, and renews it."""
    holder, seconds = lease
    return "webhooks/lease", {"holder": holder, "seconds": seconds}
