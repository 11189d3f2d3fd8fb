"""Promise: events reach a topic of a real broker as CloudEvents, those of a cluster in one partition and in order, each
at least once with the same id; what the broker did not store is tried again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from command import run_command
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from published import person
from servers import find_port, run_kafka
from standardwebhooks import Webhook as Reference

from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import Sender
from graphsvc.delivery.topics import TopicSender
from graphsvc.events.envelope import build_body
from graphsvc.events.secrets import load_or_create_sealer
from graphsvc.model.events import Event, EventType, NewEvent
from graphsvc.model.webhooks import EventFilter, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.events import build_append_step
from graphsvc.store.webhooks import add_webhook, list_webhooks

pytestmark = pytest.mark.sources
HOSTS = frozenset(["127.0.0.1"])
PARTITIONS = 3
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_kafka(tmp_path_factory.mktemp("kafka"), Settings().cache_dir) as address:
        yield address


def create(broker: str, topic: str, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker})
    for done in admin.create_topics([NewTopic(topic, PARTITIONS, 1, config=config)]).values():
        done.result(60)


def read_topic(broker: str, topic: str) -> list[tuple[int, str, dict[str, str], str]]:
    """All messages: partition, key, headers and body."""
    settings = {"bootstrap.servers": broker, "group.id": "test", "enable.partition.eof": True}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found, ended = [], set[int]()
    while len(ended) < PARTITIONS:
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            ended.add(message.partition())
            continue
        headers = {name: value.decode() for name, value in message.headers()}
        found.append((message.partition(), message.key().decode(), headers, message.value().decode()))
    consumer.close()
    return found


def tell(store: Store, *subjects: str) -> None:
    events = [
        NewEvent(f"n{number}", EventType.CLUSTER_BORN, subject, "", {"clusterId": subject})
        for number, subject in enumerate(subjects)
    ]
    store.run_transaction(build_append_step(events))


def add(store: Store, settings: Settings, url: str) -> tuple[Sender, str]:
    sealer = load_or_create_sealer(settings)
    _, secret = add_webhook(
        store, person("ada"), sealer, url=url, host=url, name="topic", form=WebhookFormat.CLOUDEVENTS,
        wanted=EventFilter(),
    )  # fmt: skip
    topics = TopicSender(HOSTS, seconds=10)
    return Sender(store, sealer, Poster(HOSTS), "urn:test", topics), secret


def test_events_of_a_cluster_come_in_order_and_verify(
    database: Store, broker: str, installation: Settings
) -> None:
    create(broker, "events")
    sender, secret = add(database, installation, f"kafka://{broker}/events")
    clusters = [f"c{number % 7}" for number in range(40)]
    tell(database, *clusters)
    assert sender.send_once() == {"delivered": 40}
    assert sender.send_once() == {}
    found = read_topic(broker, "events")
    places, sequences = dict[str, set[int]](), dict[str, list[str]]()
    for partition, key, headers, body in found:
        said = json.loads(body)
        assert (said["specversion"], said["type"], said["subject"]) == ("1.0", "graphsvc.cluster.born", key)
        assert headers["content-type"] == "application/cloudevents+json"
        assert headers["webhook-id"] == said["id"]
        assert Reference(secret).verify(body, headers)
        places.setdefault(key, set()).add(partition)
        sequences.setdefault(key, []).append(said["sequence"])
    assert sorted(json.loads(body)["id"] for *_, body in found) == sorted(f"n{each}" for each in range(40))
    assert set(places) == set(clusters)
    assert all(len(each) == 1 for each in places.values())
    assert all(each == sorted(each) for each in sequences.values())


def test_what_the_broker_did_not_store_is_sent_later(
    database: Store, broker: str, installation: Settings
) -> None:
    sender, _ = add(database, installation, f"kafka://{broker}/later")
    tell(database, "c1", "c1")
    assert sender.send_once() == {"failed": 1}
    (webhook,) = list_webhooks(database)
    assert (webhook.pending, webhook.delivered) == (2, 0)
    assert webhook.last_status == "timed out"
    create(broker, "later")
    sealer = load_or_create_sealer(installation)
    sender = Sender(database, sealer, Poster(HOSTS), "urn:test", TopicSender(HOSTS))
    database.write("tests/make_due", back_seconds=0)
    assert sender.send_once() == {"delivered": 2}
    assert [json.loads(body)["id"] for *_, body in read_topic(broker, "later")] == ["n0", "n1"]


def test_a_message_that_is_too_large_holds_up_no_other(broker: str) -> None:
    create(broker, "small", **{"max.message.bytes": "2000"})
    topics = TopicSender(HOSTS, seconds=10)
    large = Event("e1", 1, NOW, EventType.RUN_FAILED, "r1", "", {"error": "x" * 5_000})
    body = build_body(large, WebhookFormat.CLOUDEVENTS, "urn:test")
    refused = topics.send(f"kafka://{broker}/small", "r1", body, {})
    assert (refused.is_delivered, refused.is_about_all) == (False, False)
    assert topics.send(f"kafka://{broker}/small", "r1", "{}", {}).is_delivered


def test_a_broker_that_is_away_is_waited_for() -> None:
    outcome = TopicSender(HOSTS, seconds=1).send(f"kafka://127.0.0.1:{find_port()}/events", "c1", "{}", {})
    assert not outcome.is_delivered
    assert outcome.is_about_all
    assert outcome.reason == "timed out"


@pytest.mark.usefixtures("cli_environment", "database")
def test_the_command_sends_to_a_topic(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(broker, "commands")
    refused = run_command("webhooks", "add", f"kafka://{broker}/commands")
    assert refused.returncode == 1
    assert "GRAPHSVC_WEBHOOK_ALLOWED_HOSTS" in refused.stderr
    monkeypatch.setenv("GRAPHSVC_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
    added = run_command("webhooks", "add", f"kafka://{broker}/commands", "--name", "stream")
    assert added.returncode == 0, added.stderr
    listed = run_command("webhooks", "list")
    assert f"kafka://{broker}/commands" in listed.stdout
    assert "cloudevents" in listed.stdout
    webhook = listed.stdout.split()[0]
    tested = run_command("webhooks", "test", webhook)
    assert (tested.returncode, tested.stdout.strip()) == (0, "Delivered: stored")
    ((_, _, _, body),) = read_topic(broker, "commands")
    assert json.loads(body)["type"] == "graphsvc.webhook.test"
