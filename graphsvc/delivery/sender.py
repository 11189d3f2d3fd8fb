"""The sender of webhooks: queue the events of the outbox for each webhook, and send what is due.

One process sends at a time, the holder of a lease in Neo4j. What is queued, delivered or given up is in Neo4j before
the next step begins, so a sender that dies loses nothing. The one after it repeats at most one request a webhook, whose
answer was not recorded, with the same id.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from graphsvc.delivery.notify import Notifier
from graphsvc.delivery.post import Outcome, Poster
from graphsvc.delivery.topics import TopicSender, check_package
from graphsvc.errors import Busy, GraphsvcError, WebhookError
from graphsvc.events.envelope import build_body, build_headers
from graphsvc.events.filters import (
    is_held,
    is_quiet,
    is_wanted,
    list_filters,
    needs_followed,
    parse_quiet,
    select_rules,
)
from graphsvc.events.schedule import GIVE_UP_SECONDS, MOST_HOLD_SECONDS, compute_pause, select_ready
from graphsvc.events.secrets import Sealer, load_or_create_sealer
from graphsvc.events.services import SERVICES, find_scheme, find_service
from graphsvc.events.targets import TOPIC, parse_hosts
from graphsvc.model.events import Event, EventType
from graphsvc.model.webhooks import Delivery, DeliveryState, EventFilter, Webhook, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.decisions import read_decision_log
from graphsvc.store.events import read_events_after
from graphsvc.store.webhooks import (
    MOST,
    enqueue,
    has_work,
    list_webhooks,
    read_pending,
    record_attempt,
    release_lease,
    take_lease,
)

log = logging.getLogger("graphsvc.webhooks")

LOOK_SECONDS = 2.0
"""Seconds between two looks at the outbox: how late an event can be."""
LEASE_SECONDS = 60
"""Seconds without a sign after which another process may send: four times the longest request."""
EVENTS = 1_000
"""Events that are looked at in a transaction."""
PENDING = 1_000
"""Deliveries of a webhook that are read at a time. Thousands of clusters would have to fail alone to hide others."""


class Sender:
    """Sends events to webhooks. Use `run` in a thread of a service, or `send_once`."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        poster: Poster,
        source: str,
        topics: TopicSender | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        """Initialize.

        Args:
            store: the database; closed by the caller.
            sealer: opens addresses and secrets.
            poster: sends requests.
            source: URI of this installation, for CloudEvents.
            topics: sends messages to topics; None: to none.
            notifier: sends messages to chat and by e-mail; None: only to hosts of the public internet, without links.
        """
        self._topics = topics or TopicSender(frozenset())
        self._notifier = notifier or Notifier(frozenset())
        self._store = store
        self._sealer = sealer
        self._poster = poster
        self._source = source
        self._lease = (uuid4().hex, LEASE_SECONDS)
        self._stop = threading.Event()
        self._holds: dict[str, tuple[int, float]] = {}
        """Failures in a row of a webhook that is away, and until when it is left alone (monotonic seconds)."""

    def stop(self) -> None:
        """End `run` after the requests that are under way."""
        self._stop.set()

    def run(self) -> None:
        """Send until stopped, while this process has the lease. A database that is away is waited for."""
        busy: dict[str, Future[None]] = {}
        away = has_lease = False
        with ThreadPoolExecutor(MOST, thread_name_prefix="graphsvc-webhook") as threads:
            while not self._stop.wait(LOOK_SECONDS):
                try:
                    # A look is a small read; only work takes the lease.
                    if busy or has_work(self._store):
                        has_lease = take_lease(self._store, *self._lease)
                        busy = self._send_round(threads, busy) if has_lease else busy
                    away = False
                except GraphsvcError as error:
                    # Once for each outage, not every two seconds.
                    if not away:
                        log.warning("webhooks wait: %s", error)
                    away = True
        # Without a lease there is nothing to give back, and a database that is away would be waited for.
        if has_lease:
            self._release()

    def send_once(self) -> Counter[str]:
        """Queue all events, make each attempt that is due, and return how many there were by what came of them.

        Raises:
            Busy: another process sends.
            DatabaseUnavailable, DatabaseRefused
        """
        if not take_lease(self._store, *self._lease):
            raise Busy(
                "Another process sends webhooks: `graphsvc serve`, or one that ended less than a minute ago.",
                "It sends what waits; try again in a minute if none runs.",
            )
        counts: Counter[str] = Counter()
        try:
            with ThreadPoolExecutor(MOST) as threads:
                sent = [threads.submit(self._send_due, each, counts.update) for each in self._queue_events()]
                # While requests are under way no other process may take over.
                while not all(each.done() for each in sent):
                    take_lease(self._store, *self._lease)
                    time.sleep(0.05)
                for each in sent:
                    each.result()
        finally:
            self._release()
        return counts

    def test(self, webhook: Webhook) -> Outcome:
        """Send a test event, which is in no outbox, and return what came of it."""
        event = Event(f"test_{uuid4().hex[:15]}", 0, datetime.now(UTC), EventType.WEBHOOK_TEST, "")
        return self._post(webhook, event)

    def _send_round(
        self, threads: ThreadPoolExecutor, busy: dict[str, Future[None]]
    ) -> dict[str, Future[None]]:
        """Queue events and start a thread for each webhook that has none. Return the threads that still run."""
        left = {webhook: each for webhook, each in busy.items() if not each.done()}
        for each in self._queue_events():
            if each.id not in left and time.monotonic() >= self._holds.get(each.id, (0, 0.0))[1]:
                left[each.id] = threads.submit(self._try_to_send, each)
        return left

    def _try_to_send(self, webhook: Webhook) -> None:
        """Send what is due for a webhook. What fails is logged, and tried again in a later round."""
        try:
            self._send_due(webhook, lambda _: None)
        except GraphsvcError as error:
            log.warning("webhook %s waits: %s", webhook.id, error)

    def _queue_events(self) -> list[Webhook]:
        """Queue new events for every webhook, and return those for which something waits."""
        webhooks = list_webhooks(self._store)
        waiting = []
        for each in webhooks:
            position, queued = each.position, each.pending
            # In pages: a webhook that was added late may have a hundred thousand events before it.
            while events := read_events_after(self._store, position, EVENTS):
                # After the events were read: who watches a cluster when it changes is told of the change.
                followed = read_decision_log(self._store).list_followed() if needs_followed(each) else ()
                wanted = _select_wanted(events, each, followed)
                position = events[-1].number
                # Another process has taken the lease, and sends these.
                if not enqueue(self._store, self._lease, each.id, wanted, position):
                    return []
                queued += len(wanted)
            if queued:
                waiting.append(each)
        return waiting

    def _send_due(self, webhook: Webhook, count: Callable[[list[str]], None]) -> None:
        """Send what is due for a webhook, one by one, until nothing is or the receiver is away."""
        while not self._stop.is_set():
            ready = self._find_ready(webhook, datetime.now(UTC))
            if not ready:
                return
            failed = set[str]()
            for each in ready:
                if self._stop.is_set():
                    return
                if each.clusters & failed:  # it keeps its place, and so do those after it
                    failed |= each.clusters
                    continue
                outcome = self._post(webhook, each.event)
                state = self._record(each, outcome)
                if state is None:
                    return
                count([state.value if state is not DeliveryState.PENDING else "failed"])
                failed |= each.clusters if state is DeliveryState.PENDING else set()
                if self._hold(webhook.id, outcome):
                    return

    def _find_ready(self, webhook: Webhook, moment: datetime) -> list[Delivery]:
        """Find the deliveries of a webhook that may be tried at a time, in order."""
        filters = list_filters(webhook)
        if filters and all(is_quiet(each.quiet, moment) for each in filters):
            return []
        waiting: list[Delivery] = []
        while page := read_pending(
            self._store, webhook.id, PENDING, waiting[-1].event.number if waiting else -1
        ):
            waiting += [
                replace(each, is_due=each.is_due and not is_held(each, webhook, moment)) for each in page
            ]
            ready = select_ready(waiting)
            # Quiet hours can hold back thousands, behind which others wait.
            if ready or len(page) < PENDING:
                return ready
        return []

    def _post(self, webhook: Webhook, event: Event) -> Outcome:
        """Send one event to a webhook."""
        try:
            target = self._sealer.open(webhook.id, webhook.sealed)
        # Counted as a failed attempt, so that it is shown where people look for failed webhooks.
        except WebhookError:
            return Outcome(0, "key of webhooks is another one")
        if find_scheme(target.url) in SERVICES:
            return self._notifier.send(target.url, event)
        body, moment = build_body(event, webhook.format, self._source), datetime.now(UTC)
        headers = build_headers(event.id, body, webhook.format, target.list_secrets(moment), moment)
        if target.url.startswith(f"{TOPIC}:"):
            return self._topics.send(target.url, event.subject or event.id, body, headers)
        return self._poster.post(target.url, body, headers)

    def _record(self, delivery: Delivery, outcome: Outcome) -> DeliveryState | None:
        """Record what came of an attempt, and return the state of the delivery; None: the lease was lost."""
        # Failures alone are counted: the pause grows with them.
        attempts = delivery.attempts + (not outcome.is_delivered)
        state = (
            DeliveryState.DELIVERED
            if outcome.is_delivered
            else DeliveryState.DEAD
            if delivery.age >= GIVE_UP_SECONDS
            else DeliveryState.PENDING
        )
        pause = compute_pause(attempts, asked=outcome.retry_after) if attempts else 0.0
        kept = record_attempt(
            self._store,
            self._lease,
            delivery.key,
            state,
            attempts=attempts,
            pause=pause,
            status=outcome.reason,
        )
        return state if kept else None

    def _hold(self, webhook: str, outcome: Outcome) -> bool:
        """Leave a webhook alone for a while if its receiver is away, and return whether it is."""
        # A refused event says nothing of the next one; a receiver that is away fails all, and gets a rest.
        if not outcome.is_about_all:
            self._holds.pop(webhook, None)
            return False
        failures = self._holds.get(webhook, (0, 0.0))[0] + 1
        pause = compute_pause(failures, MOST_HOLD_SECONDS, asked=outcome.retry_after)
        self._holds[webhook] = (failures, time.monotonic() + pause)
        return True

    def _release(self) -> None:
        """Give the lease back, so that no other process has to wait for its end."""
        with suppress(GraphsvcError):  # else it ends by itself
            release_lease(self._store, self._lease[0])


def _select_wanted(
    events: Sequence[Event], webhook: Webhook, followed: Collection[str]
) -> list[tuple[str, list[str] | None]]:
    """Select the events that a webhook wants: id, and names of the rules that selected it, or None."""
    if webhook.rules is None:
        return [(each.id, None) for each in events if is_wanted(each, webhook.filter, followed)]
    selected = [(each.id, select_rules(each, webhook.rules, followed)) for each in events]
    return [(event, rules) for event, rules in selected if rules]


def build_sender(store: Store, settings: Settings) -> Sender:
    """Build the sender of an installation.

    Raises:
        SettingsError: the key of webhooks cannot be used.
    """
    allowed = parse_hosts(settings.webhook_allowed_hosts)
    topics = TopicSender(allowed, settings.kafka_config)
    # CloudEvents asks for a URI that names the source; without a public address any stable one does.
    source = settings.public_url or "urn:graphsvc"
    notifier = Notifier(allowed, settings.public_url)
    return Sender(store, load_or_create_sealer(settings), Poster(allowed), source, topics, notifier)


def choose_form(url: str, asked: WebhookFormat | None) -> WebhookFormat:
    """Choose the form of what is sent to an address: the one that was asked for, or the usual one.

    Raises:
        WebhookError: messages in chat and by e-mail have one form.
    """
    if asked is not None and find_service(url):
        raise WebhookError("Messages in chat and by e-mail have one form.", "Leave the format out.")
    is_topic = find_scheme(url) == TOPIC
    return asked or (WebhookFormat.CLOUDEVENTS if is_topic else WebhookFormat.STANDARD)


def check_endpoint(settings: Settings, url: str, wanted: EventFilter) -> str:
    """Check the address and the filter of a webhook that is to be added, and return what may be shown of the address.

    Returns:
        The host; of a topic, broker and topic; of chat or e-mail, the scheme and the host if it names one.

    Raises:
        WebhookError: one of them cannot be used.
    """
    if wanted.quiet:
        parse_quiet(wanted.quiet)
    allowed = parse_hosts(settings.webhook_allowed_hosts)
    if find_service(url):
        return Notifier(allowed).check_url(url)
    location = Poster(allowed).check_url(url)
    if location.scheme != TOPIC:
        return location.host
    check_package()
    return f"{TOPIC}://{location.host}:{location.port}{location.path}"
