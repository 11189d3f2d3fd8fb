"""Loads from a real broker of Apache Kafka: no message lost or counted twice, whatever dies when."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from command import run_command
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from graphs import checksum_content, ring_bundle
from killing import run_killed, run_until_loaded, was_killed
from servers import run_kafka

from graphsvc.errors import DatabaseUnavailable, NothingLoaded, SourceError
from graphsvc.intake.column_map import ColumnMap
from graphsvc.loading import load_bundle
from graphsvc.loading.topics import Followed, load_topic
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.sources.kafka import TopicSource
from graphsvc.store import Store
from graphsvc.store.sources import read_marks

pytestmark = pytest.mark.sources
TIME = "2026-03-01T{:02}:00:00Z"
TABLES = ("accounts", "payments", "sessions")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker."""
    cache = Settings().cache_dir
    with run_kafka(tmp_path_factory.mktemp("kafka"), cache) as address:
        yield address


def create(broker: str, *topics: str, partitions: int = 3) -> None:
    admin = AdminClient({"bootstrap.servers": broker})
    for done in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics]).values():
        done.result(60)


def produce(broker: str, topic: str, *values: object, partition: int | None = None) -> None:
    """Send values as JSON, bytes as they are, to partitions in turn."""
    producer = Producer({"bootstrap.servers": broker})
    for number, value in enumerate(values):
        content = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        producer.produce(topic, content, partition=number % 3 if partition is None else partition)
        producer.poll(0)
    assert producer.flush(60) == 0


def fill(broker: str, prefix: str, bundle: Path) -> str:
    """Send the tables of a bundle, a topic each, and return the address of the topics."""
    topics = [f"{prefix}-{table}" for table in TABLES]
    create(broker, *topics)
    for topic, table in zip(topics, TABLES, strict=True):
        produce(broker, topic, *map(json.loads, (bundle / f"{table}.ndjson").read_text().splitlines()))
    return f"kafka://{broker}/{','.join(topics)}"


def account(number: int) -> dict[str, object]:
    return {"account_id": f"a{number}", "created_at": TIME.format(0)}


def session(number: int, hour: int, requests: int) -> dict[str, object]:
    at = TIME.format(hour)
    return {
        "account_id": f"a{number}",
        "ip": "203.0.113.7",
        "first_seen": at,
        "last_seen": at,
        "requests": requests,
    }


def follow(store: Store, source: TopicSource, tokens: Tokeniser, folder: Path, **options: float) -> Followed:
    """Load what the broker has now."""
    return load_topic(
        store, source, tokens, folder / "dead", Event(), once=True, max_rejected=options.get("most", 0.5)
    )


def names_of(prefix: str) -> ColumnMap:
    return ColumnMap(tables=tuple((table, f"{prefix}-{table}") for table in TABLES))


@pytest.mark.usefixtures("cli_environment")
def test_topics_are_the_same_graph_as_a_folder(
    database: Store, broker: str, tmp_path: Path, installation: Settings
) -> None:
    bundle = ring_bundle(tmp_path / "bundle")
    load_bundle(database, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    source = fill(broker, "same", bundle)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("[tables]\n" + "".join(f'{table} = "same-{table}"\n' for table in TABLES))
    explained = run_command("load", "--explain", source, "--mapping", mapping)
    assert explained.returncode == 0, explained.stderr
    assert "same-sessions: read as the table sessions" in explained.stdout
    done = run_command("load", source, "--once", "--mapping", mapping)
    assert done.returncode == 0, done.stderr
    assert "1,272 messages" in done.stdout
    assert checksum_content(database) == plain
    again = run_command("load", source, "--once", "--mapping", mapping)
    assert "0 messages in 0 batches" in again.stdout


def test_observations_add_up_however_they_are_cut_into_batches(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(broker, "accounts", "sessions", "activity")
    rows = [session(number % 5, number % 20, number) for number in range(60)]
    hours = [{"account_id": f"a{n % 5}", "hour": TIME.format(n % 3), "requests": n + 1} for n in range(40)]
    produce(broker, "accounts", *(account(number) for number in range(5)))
    source = f"kafka://{broker}/accounts,sessions,activity"
    follow(database, TopicSource(source, ColumnMap()), tokens, tmp_path)
    produce(broker, "sessions", *rows)
    produce(broker, "activity", *hours)
    folder = tmp_path / "folder"
    folder.mkdir()
    for table, content in {
        "accounts": [account(n) for n in range(5)],
        "sessions": rows,
        "activity": hours,
    }.items():
        (folder / f"{table}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in content))
    monkeypatch.setattr(TopicSource.read_batch, "__defaults__", (7, 5.0))
    assert follow(database, TopicSource(source, ColumnMap()), tokens, tmp_path).batches >= 14
    streamed = checksum_content(database)
    database.run_autocommit("bench/wipe")
    load_bundle(database, folder, tokens, tmp_path / "dead")
    assert checksum_content(database) == streamed


def test_bad_messages_are_rejected_one_by_one(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path
) -> None:
    create(broker, "bad-accounts", partitions=1)
    bad = [
        b"[1, 2]",
        b"\xff\xfe{",
        b"\x1f\x8b",
        b"{",
        {"created_at": TIME.format(0)},
        {"account_id": "x"},
        b'"text"',
    ]
    produce(broker, "bad-accounts", account(1), *bad, None, b"", account(2), partition=0)
    names = ColumnMap(tables=(("accounts", "bad-accounts"),))
    source = f"kafka://{broker}/bad-accounts"
    followed = follow(database, TopicSource(source, names), tokens, tmp_path)
    assert followed == Followed(1, 11, 7)
    (letters,) = (tmp_path / "dead").iterdir()
    rows = [json.loads(line) for line in letters.read_text().splitlines()]
    # Offsets, by which a message is found again.
    assert sorted(row["row"] for row in rows) == [1, 2, 3, 4, 5, 6, 7]
    assert {row["file"] for row in rows} == {"bad-accounts/0"}
    assert read_marks(database, TopicSource(source, names).name)["bad-accounts/0"].value == "11"
    # A single bad message at the end does not stop the next call.
    produce(broker, "bad-accounts", b"[", partition=0)
    assert follow(database, TopicSource(source, names), tokens, tmp_path).rejected == 1


def test_a_batch_of_bad_messages_stops_before_its_offsets_are_committed(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path
) -> None:
    create(broker, "other-form", partitions=1)
    produce(broker, "other-form", *({"user": f"u{n}"} for n in range(150)), partition=0)
    source = TopicSource(f"kafka://{broker}/other-form?table=accounts", ColumnMap())
    with pytest.raises(NothingLoaded, match="account_id: missing"):
        follow(database, source, tokens, tmp_path)
    assert read_marks(database, source.name)["other-form/0"].value == "0"


def test_while_the_database_is_away_nothing_is_lost(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(broker, "away", partitions=1)
    produce(broker, "away", account(1), partition=0)
    write, fails = Store.write_all_guarded, iter([False, False, True, False, True])

    # The marks to begin from are written; then the batch fails, is written, and its answer is lost.
    def fail_at_times(*given: object, **named: object) -> object:
        failing = next(fails, False)
        if failing:
            raise DatabaseUnavailable("away")
        answer = write(*given, **named)  # type: ignore[arg-type]
        if next(fails, False):
            raise DatabaseUnavailable("the answer was lost")
        return answer

    monkeypatch.setattr(Store, "write_all_guarded", fail_at_times)
    source = TopicSource(f"kafka://{broker}/away?table=accounts", ColumnMap())
    assert follow(database, source, tokens, tmp_path).messages == 1
    assert checksum_content(database)[0] == 1
    assert database.read("detect/watermark")[0]["number"] == 1


def test_of_two_consumers_one_goes_on(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(broker, "twice", partitions=1)
    produce(broker, "twice", account(1), partition=0)
    address = f"kafka://{broker}/twice?table=accounts"
    slow, fast = (TopicSource(address, ColumnMap()) for _ in range(2))
    read = slow.read_batch

    def read_slowly(*given: object, **named: object) -> object:
        batch = read(*given, **named)  # type: ignore[arg-type]
        if batch.size and read_marks(database, fast.name)["twice/0"].value == "0":
            produce(broker, "twice", account(2), partition=0)
            follow(database, fast, tokens, tmp_path)
        return batch

    monkeypatch.setattr(slow, "read_batch", read_slowly)
    with pytest.raises(SourceError, match="Another load of"):
        follow(database, slow, tokens, tmp_path)
    assert checksum_content(database)[0] == 2


def test_an_offset_that_is_gone_is_no_silent_jump(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path
) -> None:
    create(broker, "short", partitions=1)
    produce(broker, "short", account(1), account(2), partition=0)
    address = f"kafka://{broker}/short?table=accounts"
    follow(database, TopicSource(address, ColumnMap()), tokens, tmp_path)
    from confluent_kafka import TopicPartition

    produce(broker, "short", *(account(number) for number in range(3, 9)), partition=0)
    admin = AdminClient({"bootstrap.servers": broker})
    for removed in admin.delete_records([TopicPartition("short", 0, 5)]).values():
        removed.result(60)
    with pytest.raises(SourceError, match="no longer has the offset"):
        follow(database, TopicSource(address, ColumnMap()), tokens, tmp_path)
    skipping = TopicSource(f"{address}&gone=skip", ColumnMap())
    assert follow(database, skipping, tokens, tmp_path).messages == 3


def test_from_the_end_only_what_comes_is_read(
    database: Store, tokens: Tokeniser, broker: str, tmp_path: Path
) -> None:
    create(broker, "latest", partitions=1)
    produce(broker, "latest", account(1), partition=0)
    source = TopicSource(f"kafka://{broker}/latest?table=accounts&start=latest", ColumnMap())
    assert follow(database, source, tokens, tmp_path).messages == 0
    # What came while nothing was running is not skipped, also in a partition that had no message before.
    produce(broker, "latest", account(2), partition=0)
    again = TopicSource(f"kafka://{broker}/latest?table=accounts&start=latest", ColumnMap())
    assert follow(database, again, tokens, tmp_path).messages == 1


def test_what_is_wrong_is_named(broker: str, tmp_path: Path, database: Store, tokens: Tokeniser) -> None:
    create(broker, "logins", partitions=1)
    with pytest.raises(SourceError, match=r"no topic logns. Did you mean logins"):
        follow(database, TopicSource(f"kafka://{broker}/logns?table=sessions", ColumnMap()), tokens, tmp_path)
    done = run_command("load", "--explain", "kafka://127.0.0.1:9/accounts")
    assert (done.returncode, "does not answer" in done.stderr) == (1, True)


@pytest.mark.kills
@pytest.mark.parametrize("seed", range(13))
@pytest.mark.usefixtures("cli_environment")
def test_killed_at_any_moment_and_run_again(
    database: Store, broker: str, tmp_path: Path, installation: Settings, seed: int
) -> None:
    bundle = ring_bundle(tmp_path / "bundle", rings=3, singles=150)
    load_bundle(database, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    source = fill(broker, f"killed{seed}", bundle)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("[tables]\n" + "".join(f'{table} = "killed{seed}-{table}"\n' for table in TABLES))
    chance, kills = random.Random(seed), 0
    words = ("load", source, "--once", "--mapping", mapping)
    for _ in range(4):
        done = run_killed(chance.randrange(7), chance.uniform(0, 0.1), *words)
        kills += was_killed(done)
        assert was_killed(done) or done.returncode == 0, done.stderr
        # No offset is ahead of the data: what is marked as read is there.
        read = sum(
            int(mark.value) for part, mark in read_marks(database, source).items() if "-accounts/" in part
        )
        assert database.read("tests/count_accounts")[0]["count"] >= read
    done = run_killed(-1, 0, *words)
    assert done.returncode == 0, done.stderr
    print(f"\nconsumer, seed {seed}: {kills} kills")  # fifty and more in all
    assert kills
    assert checksum_content(database) == plain
    assert database.read("detect/watermark")[0]["number"] is not None


@pytest.mark.usefixtures("cli_environment")
def test_it_stops_gracefully_and_continues(database: Store, broker: str) -> None:
    create(broker, "graceful", partitions=1)
    produce(broker, "graceful", account(1), partition=0)
    address = f"kafka://{broker}/graceful?table=accounts"
    status, out, err = run_until_loaded(database, "load", address)
    assert status == 0, err
    assert "1 messages in 1 batches, 0 rejected." in out
    produce(broker, "graceful", account(2), partition=0)
    assert "1 messages in 1 batches" in run_command("load", address, "--once").stdout
