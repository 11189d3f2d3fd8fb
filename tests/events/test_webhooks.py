"""Promise: every event reaches each webhook that wants it, at least once, in the order of its cluster, and no other."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import run_command
from lives import names
from published import SIGNER, Days, person, populate
from receiver import Receiver, Sent, receive
from standardwebhooks import Webhook as Reference
from waiting import until

from graphsvc.delivery import post, sender
from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import Sender
from graphsvc.errors import Busy, Conflict, NotFound
from graphsvc.events.secrets import Sealer
from graphsvc.model.decisions import WATCHED, On, Topic
from graphsvc.model.events import EventType, NewEvent
from graphsvc.model.webhooks import EventFilter, Webhook, WebhookFormat
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store, webhooks
from graphsvc.store.audit_log import stream_entries, verify_log
from graphsvc.store.decisions import DecisionRequest, read_decision_log, record_decision, undo_decision
from graphsvc.store.events import build_append_step, read_events_after, remove_old_events
from graphsvc.store.webhooks import add_webhook, queue_again, read_webhook, remove_webhook, rotate_secret

A, B = names("a", 30), names("b", 24)
ADA = person("ada")
SEALER = Sealer(b"a key for tests, 32 bytes long..")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as found:
        yield found


@pytest.fixture
def store(database: Store) -> Store:
    return database


def add(
    store: Store,
    receiver: Receiver,
    path: str = "/ok",
    wanted: EventFilter | None = None,
    form: WebhookFormat = WebhookFormat.STANDARD,
) -> tuple[Webhook, str]:
    return add_webhook(
        store,
        ADA,
        SEALER,
        url=receiver.url + path,
        host="127.0.0.1",
        name=path,
        form=form,
        wanted=wanted or EventFilter(),
    )


def make_sender(store: Store) -> Sender:
    return Sender(store, SEALER, Poster(frozenset(["127.0.0.1"])), "urn:test")


def tell(store: Store, *subjects: str) -> list[str]:
    """Write events of clusters into the outbox and return their ids."""
    last = read_events_after(store, 0, 10_000)
    events = [
        NewEvent(
            f"n{len(last) + place}", EventType.CLUSTER_BORN, *(subject + "/").split("/")[:2], {"runId": "r"}
        )
        for place, subject in enumerate(subjects)
    ]
    store.run_transaction(build_append_step(events))
    return [each.id for each in events]


def make_due(store: Store) -> None:
    """Let the time of every next attempt come."""
    store.write("tests/make_due", back_seconds=0)


def test_events_of_a_run_and_a_decision_arrive_once_in_order_and_verify(
    store: Store, receiver: Receiver, tokens: Tokeniser, tmp_path: Path
) -> None:
    _, secret = add(store, receiver)
    _, other = add(store, receiver, "/cloud", form=WebhookFormat.CLOUDEVENTS)
    populate(store, tokens, tmp_path, [*A, *B])
    days = Days(store)
    days.day(A, B)
    wish = DecisionRequest(On.CLUSTER, days.ids[0], Topic.DISPOSITION, "confirmed", "because")
    record_decision(store, ADA, wish, datetime.now(UTC))
    assert make_sender(store).send_once() == {"delivered": 8}
    assert make_sender(store).send_once() == {}
    expected = [each.id for each in read_events_after(store, 0, 100)]
    for path, key in (("/ok", secret), ("/cloud", other)):
        assert [each.id for each in receiver.at(path)] == expected
        for each in receiver.at(path):
            assert Reference(key).verify(each.body, each.headers)["data"]["id"] == each.id
    found = json.loads(receiver.at("/cloud")[1].body)
    assert (found["type"], found["source"], found["sequence"]) == (
        "graphsvc.cluster.born",
        "urn:test",
        f"{2:019d}",
    )
    assert not [each for each in receiver.got if "a0000" in each.body or "because" in each.body]


def test_a_webhook_is_told_what_it_wants_from_its_addition_on(store: Store, receiver: Receiver) -> None:
    tell(store, "c1")
    add(store, receiver, wanted=EventFilter([EventType.CLUSTER_BORN]))
    add(store, receiver, "/runs", EventFilter([EventType.RUN_FAILED]))
    wanted = tell(store, "c2")
    make_sender(store).send_once()
    assert [each.id for each in receiver.got] == wanted
    assert {each.path for each in receiver.got} == {"/ok"}


def test_only_clusters_that_someone_follows(
    store: Store, receiver: Receiver, tokens: Tokeniser, tmp_path: Path
) -> None:
    populate(store, tokens, tmp_path, [*A, *B])
    days = Days(store)
    days.day(A, B)
    add(store, receiver, wanted=EventFilter([EventType.CLUSTER_ENDED], followed=True))
    watch, assign = (
        DecisionRequest(On.CLUSTER, days.ids[0], topic, value)
        for topic, value in ((Topic.WATCH, WATCHED), (Topic.ASSIGNMENT, "ada"))
    )
    made = [record_decision(store, ADA, wish, datetime.now(UTC)) for wish in (watch, assign)]
    days.day()
    assert make_sender(store).send_once() == {"delivered": 1}
    assert json.loads(receiver.got[0].body)["data"]["subject"] == made[0].subject
    assert read_decision_log(store).list_followed() == {made[0].subject}
    # To be assigned is enough; neither of both is not.
    undo_decision(store, ADA, made[0].id, datetime.now(UTC))
    assert read_decision_log(store).list_followed() == {made[0].subject}
    undo_decision(store, ADA, made[1].id, datetime.now(UTC))
    assert read_decision_log(store).list_followed() == set()


def test_a_failed_event_holds_back_its_cluster_and_no_other(store: Store, receiver: Receiver) -> None:
    receiver.answers["/ok"] = lambda sent: 400 if sent.id == "n0" else 200
    webhook, _ = add(store, receiver)
    ids = tell(store, "c1", "c2", "c1", "c3/c1", "c3", "c2")
    assert make_sender(store).send_once() == {"failed": 1, "delivered": 2}
    assert [each.id for each in receiver.got] == [ids[0], ids[1], ids[5]]
    assert make_sender(store).send_once() == {}  # not due yet
    assert read_webhook(store, webhook.id).last_status == "400"
    receiver.answers.clear()
    make_due(store)
    assert make_sender(store).send_once() == {"delivered": 4}
    assert [each.id for each in receiver.got[3:]] == [ids[0], ids[2], ids[3], ids[4]]
    assert receiver.got[0].body == receiver.got[3].body


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(500, "500"), (503, "503"), (302, "302"), (404, "404"), ("hang", "timed out"), ("drip", "timed out")],
)
def test_a_receiver_that_fails_is_tried_again_and_harms_no_other(
    store: Store, receiver: Receiver, answer: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "TIMEOUT_SECONDS", 0.5)
    receiver.answers["/bad"] = answer
    bad, _ = add(store, receiver, "/bad")
    add(store, receiver, "/good")
    ids = tell(store, "c1", "c2")
    make_sender(store).send_once()
    assert [each.id for each in receiver.at("/good")] == ids
    # Of a receiver that is away or broken one request is enough to know it.
    assert len(receiver.at("/bad")) == (2 if reason in ("302", "404") else 1)
    assert receiver.at("/elsewhere") == []  # no redirect is followed
    state = read_webhook(store, bad.id)
    assert (state.pending, state.delivered, state.last_status) == (2, 0, reason)
    receiver.go.set()
    del receiver.answers["/bad"]
    make_due(store)
    make_sender(store).send_once()
    assert [each.id for each in receiver.at("/bad")][-2:] == ids
    assert read_webhook(store, bad.id).delivered == 2


def test_a_hanging_receiver_blocks_no_other_of_a_running_service(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    receiver.answers["/bad"] = "hang"
    add(store, receiver, "/bad")
    add(store, receiver, "/good")
    running = make_sender(store)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        for number in range(1, 4):  # each is delivered while the other request hangs
            tell(store, f"c{number}")
            until(lambda number=number: len(receiver.at("/good")) == number)  # type: ignore[misc]
        until(lambda: len(receiver.at("/bad")) == 1)
    finally:
        receiver.go.set()
        running.stop()
        thread.join()


def test_what_fails_for_days_is_given_up_and_can_be_sent_again(store: Store, receiver: Receiver) -> None:
    receiver.answers["/ok"] = 500
    webhook, _ = add(store, receiver)
    ids = tell(store, "c1", "c1")
    make_sender(store).send_once()
    store.write("tests/make_due", back_seconds=4 * 86_400)
    assert make_sender(store).send_once() == {"dead": 1}
    state = read_webhook(store, webhook.id)
    assert (state.pending, state.dead) == (1, 1)
    receiver.answers.clear()
    receiver.got.clear()
    assert queue_again(store, ADA, webhook.id) == 2
    assert make_sender(store).send_once() == {"delivered": 2}
    assert [each.id for each in receiver.got] == ids
    # One that was delivered, too; the receiver knows its id.
    assert queue_again(store, ADA, webhook.id, ids[0]) == 1
    make_sender(store).send_once()
    assert [each.id for each in receiver.got] == [*ids, ids[0]]
    with pytest.raises(NotFound, match="was not queued"):
        queue_again(store, ADA, webhook.id, "unknown")
    assert queue_again(store, ADA, webhook.id) == 0


def test_the_pause_that_a_receiver_asks_for_is_kept(store: Store, receiver: Receiver) -> None:
    receiver.answers["/ok"] = 503
    webhook, _ = add(store, receiver)
    tell(store, "c1")
    make_sender(store).send_once()
    (waits,) = [row["seconds"] for row in store.read("tests/waits", webhook=webhook.id)]
    assert 70 < waits <= 77


def test_quiet_hours_delay_and_lose_nothing(store: Store, receiver: Receiver) -> None:
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"
    add(store, receiver, wanted=EventFilter(quiet=hours))
    ids = tell(store, "c1")
    assert make_sender(store).send_once() == {}
    assert receiver.got == []
    store.write("tests/end_quiet")
    make_sender(store).send_once()
    assert [each.id for each in receiver.got] == ids


def test_one_process_sends_at_a_time(store: Store, receiver: Receiver) -> None:
    add(store, receiver)
    tell(store, "c1")
    assert webhooks.take_lease(store, "another", 60)
    with pytest.raises(Busy):
        make_sender(store).send_once()
    assert receiver.got == []
    webhooks.release_lease(store, "another")
    make_sender(store).send_once()
    assert len(receiver.got) == 1
    assert webhooks.take_lease(store, "dead", 0)
    make_sender(store).send_once()  # a lease that is over is free


def test_a_sender_that_lost_its_lease_records_nothing(store: Store, receiver: Receiver) -> None:
    webhook, _ = add(store, receiver)
    ids = tell(store, "c1")
    paused = make_sender(store)

    def answer(_: Sent) -> int:
        store.write("webhooks/release", holder=paused._lease[0])
        assert webhooks.take_lease(store, "another", 60)
        return 200

    receiver.answers["/ok"] = answer
    assert paused.send_once() == {}
    webhooks.release_lease(store, "another")
    receiver.answers.clear()
    make_sender(store).send_once()
    assert [each.id for each in receiver.got] == [ids[0], ids[0]]  # at least once, with the same id
    assert read_webhook(store, webhook.id).delivered == 1


def test_a_rotated_secret_is_the_one_that_signs(store: Store, receiver: Receiver) -> None:
    webhook, before = add(store, receiver)
    after = rotate_secret(store, ADA, SEALER, webhook.id, datetime.now(UTC), timedelta(hours=1))
    tell(store, "c1")
    make_sender(store).send_once()
    (sent,) = receiver.got
    for secret in (before, after):
        Reference(secret).verify(sent.body, sent.headers)
    last = rotate_secret(store, ADA, SEALER, webhook.id, datetime.now(UTC), timedelta(0))
    tell(store, "c1")
    make_sender(store).send_once()
    assert len(receiver.got[1].headers["webhook-signature"].split()) == 1
    Reference(last).verify(receiver.got[1].body, receiver.got[1].headers)


def test_secrets_and_addresses_are_sealed_and_the_log_knows_who_changed_what(
    store: Store, receiver: Receiver
) -> None:
    webhook, secret = add(store, receiver, "/hidden-path")
    written = str([values for (values,) in store.stream("tests/all_values")])
    assert secret not in written
    assert f"{receiver.url}/hidden-path" not in written
    rotate_secret(store, ADA, SEALER, webhook.id, datetime.now(UTC), timedelta(0))
    queue_again(store, ADA, webhook.id)
    remove_webhook(store, ADA, webhook.id)
    entries = [each.entry.act for each in stream_entries(store) if each.entry]
    assert [each.action for each in entries] == ["addWebhook", "rotateWebhook", "removeWebhook"]
    assert {each.subject for each in entries} == {webhook.id}
    assert verify_log(store, SIGNER).holds
    with pytest.raises(NotFound):
        read_webhook(store, webhook.id)


def test_another_key_sends_nothing(store: Store, receiver: Receiver) -> None:
    webhook, _ = add(store, receiver)
    tell(store, "c1")
    other = Sender(store, Sealer(b"x" * 32), Poster(frozenset(["127.0.0.1"])), "urn:test")
    assert other.send_once() == {"failed": 1}
    assert receiver.got == []
    assert read_webhook(store, webhook.id).last_status == "key of webhooks is another one"


def test_there_are_so_many_webhooks_and_no_more(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MOST", 1)
    add(store, receiver)
    with pytest.raises(Conflict, match="as many as there may be"):
        add(store, receiver)


def test_retention_keeps_what_a_webhook_waits_for(store: Store, receiver: Receiver) -> None:
    receiver.answers["/ok"] = 500
    add(store, receiver)
    ids = tell(store, "c1")
    later = datetime.now(UTC) + timedelta(days=1)
    remove_old_events(store, later)
    assert [each.id for each in read_events_after(store, 0, 10)] == ids  # it was not looked at
    make_sender(store).send_once()
    remove_old_events(store, later)
    assert [each.id for each in read_events_after(store, 0, 10)] == ids  # it waits
    receiver.answers.clear()
    make_due(store)
    make_sender(store).send_once()
    remove_old_events(store, later)
    assert read_events_after(store, 0, 10) == []


@pytest.mark.usefixtures("cli_environment")
def test_the_commands_manage_a_webhook_from_its_first_to_its_last_day(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run_command("webhooks", "add", f"{receiver.url}/ok")
    assert (refused.returncode, "GRAPHSVC_WEBHOOK_ALLOWED_HOSTS" in refused.stderr) == (1, True)
    assert run_command("webhooks", "add", "https://127.0.0.1/").returncode == 1
    monkeypatch.setenv("GRAPHSVC_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
    assert run_command("webhooks", "add", receiver.url, "--quiet", "night").returncode == 1
    # Larger numbers than GraphQL has could not be listed.
    assert run_command("webhooks", "add", receiver.url, "--min-size", 2**31).returncode == 2
    assert run_command("webhooks", "add", receiver.url, "--min-growth", 2**31).returncode == 2
    added = run_command("webhooks", "add", f"{receiver.url}/ok", "--name", "cases", "--type", "cluster.born")
    assert added.returncode == 0, added.stderr
    secret = added.stdout.strip()
    (listed,) = json.loads(run_command("webhooks", "list", "--json").stdout)
    assert (listed["name"], listed["filter"]["types"]) == ("cases", ["cluster.born"])
    webhook = listed["id"]
    assert run_command("webhooks", "test", webhook).stdout == "Delivered: 200\n"
    Reference(secret).verify(receiver.got[0].body, receiver.got[0].headers)
    receiver.answers["/ok"] = 500
    assert run_command("webhooks", "test", webhook).returncode == 1
    tell(store, "c1")
    failed = run_command("webhooks", "deliver")
    assert (failed.returncode, failed.stdout) == (1, "0 delivered, 1 to be tried again, 0 given up\n")
    assert "1 waiting" in run_command("webhooks", "list").stdout
    receiver.answers.clear()
    assert run_command("webhooks", "redeliver", webhook).returncode == 0
    assert run_command("webhooks", "deliver").returncode == 0
    assert run_command("webhooks", "rotate", webhook).stdout.startswith("whsec_")
    assert run_command("webhooks", "remove", webhook).returncode == 0
    assert run_command("webhooks", "remove", webhook).returncode == 1
    everything = "".join(str(each) for each in (refused, failed))
    assert secret not in everything
