"""Promise: whenever a sender or a publisher is killed, no event is lost, none is sent for what did not happen."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lives import names
from published import Days, person, populate
from receiver import receive

from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import Sender
from graphsvc.events.secrets import Sealer
from graphsvc.model.events import EventType, NewEvent
from graphsvc.model.webhooks import EventFilter, WebhookFormat
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.events import build_append_step, read_events_after
from graphsvc.store.runs import list_runs
from graphsvc.store.webhooks import add_webhook, list_webhooks

HERE = Path(__file__).parents[1]
KEY = "a key for tests, 32 bytes long.."
A, B = names("a", 30), names("b", 24)


def run_killed(store: Store, what: str, step: int, **more: Any) -> bool:
    """Run `killed.py` and return whether it was killed; otherwise it came to its end."""
    address = store.address
    asked = {
        "what": what,
        "step": step,
        "uri": address.uri,
        "user": address.user,
        "password": address.password.get_secret_value(),
        **more,
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, str(HERE / "killed.py")],
        input=json.dumps(asked),
        text=True,
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def send_under_kills(store: Store, kills: int, seed: int) -> None:
    """Send 18 events to two webhooks while the sender is killed so often, and compare what arrived."""
    chosen, sealer = random.Random(seed), Sealer(KEY.encode())
    with receive() as receiver:
        for path in ("/one", "/other"):
            add_webhook(
                store,
                person("ada"),
                sealer,
                url=receiver.url + path,
                host="127.0.0.1",
                name=path,
                form=WebhookFormat.STANDARD,
                wanted=EventFilter(),
            )
        killed = 0
        for number in range(kills):
            # New events before each kill, so that queueing is killed too.
            events = [
                NewEvent(f"n{number}-{place}", EventType.CLUSTER_BORN, f"c{place}", "", {})
                for place in range(3)
            ]
            store.run_transaction(build_append_step(events))
            killed += run_killed(store, "send", chosen.randint(1, 30), key=KEY)
        assert killed > kills / 2
        last = Sender(store, sealer, Poster(frozenset(["127.0.0.1"])), "urn:test")
        last.send_once()
        written = read_events_after(store, 0, 10_000)
        for path in ("/one", "/other"):
            times = Counter(each.id for each in receiver.at(path))
            assert set(times) == {each.id for each in written}
            assert times.total() - len(times) <= killed  # one request a kill is repeated at most
            first = list(dict.fromkeys(each.id for each in receiver.at(path)))
            for cluster in ("c0", "c1", "c2"):
                of_cluster = [each.id for each in written if each.subject == cluster]
                assert [each for each in first if each in of_cluster] == of_cluster
        assert [(each.pending, each.dead, each.delivered) for each in list_webhooks(store)] == [
            (0, 0, len(written))
        ] * 2
        repeated = sum(len(receiver.at(path)) - len(written) for path in ("/one", "/other"))
        print(
            f"\nsender: {killed} kills of {kills} starts; {len(written)} events to two webhooks, {repeated} repeated"
        )


def publish_under_kills(days: Days, kills: int, seed: int) -> None:
    """Publish runs that are killed, and compare the outbox with what is published."""
    chosen, store = random.Random(seed), days.store
    killed = 0
    for number in range(kills):
        rings = [A[: 10 + number % 20], B[: 10 + 7 * number % 14]]
        killed += run_killed(store, "publish", chosen.randint(4, 30), rings=rings, number=number)
        ended = {each["id"]: each["status"] for each in list_runs(store) if each["status"] != "running"}
        told = Counter(
            (each.subject, each.type)
            for each in read_events_after(store, 0, 10_000)
            if each.type in (EventType.RUN_PUBLISHED, EventType.RUN_FAILED)
        )
        assert told == Counter(
            (run, EventType.RUN_FAILED if status == "failed" else EventType.RUN_PUBLISHED)
            for run, status in ended.items()
        )
    assert killed > kills / 2
    events = read_events_after(store, 0, 10_000)
    assert [each.number for each in events] == list(range(1, len(events) + 1))
    published = {each.subject for each in events if each.type is EventType.RUN_PUBLISHED}
    assert {each.data["runId"] for each in events if each.type.value.startswith("cluster.")} <= published
    print(
        f"\npublisher: {killed} kills of {kills} runs, of which {len(published)} published; {len(events)} events"
    )


def test_a_sender_that_is_killed_loses_nothing(database: Store) -> None:
    send_under_kills(database, kills=4, seed=1)


def test_a_publisher_that_is_killed_tells_what_it_published(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    populate(database, tokens, tmp_path, [*A, *B])
    publish_under_kills(Days(database), kills=2, seed=2)


@pytest.mark.kills
def test_a_sender_that_is_killed_fifty_times_loses_nothing(database: Store) -> None:
    send_under_kills(database, kills=50, seed=3)


@pytest.mark.kills
def test_a_publisher_that_is_killed_fifty_times_tells_what_it_published(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    populate(database, tokens, tmp_path, [*A, *B])
    publish_under_kills(Days(database), kills=50, seed=4)
