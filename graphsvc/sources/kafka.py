"""Read a topic of JSON rows by its offsets, in batches. The broker keeps no offset for us: the graph does."""

import io
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, cast
from urllib.parse import parse_qs, urlsplit

import polars as pl

from graphsvc.errors import MappingError, SourceError
from graphsvc.intake.column_map import ColumnMap, suggest_candidates
from graphsvc.intake.files import BundleFile, BundleFiles
from graphsvc.intake.schemas import SCHEMAS
from graphsvc.model.marks import Mark, MarkKind

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

ROWS = 5_000
"""Messages of a batch, which is one transaction: half of a bundle's, since a message may make several edges."""
SECONDS = 5.0
"""Seconds until a smaller batch is written: each costs some twenty statements, however small it is."""
QUEUE_KIB = 32 << 10
"""Messages that the client reads ahead, in KiB; beyond that it leaves them to the broker."""
PATIENCE = 20.0
"""Seconds for the broker to answer a question about its topics."""
REFRESH = 60.0
"""Seconds after which new partitions are looked for."""
_POLL = 0.5
_TABLE = "table"
_PARAMETERS: dict[str, list[str]] = {_TABLE: [], "start": ["earliest", "latest"], "gone": ["skip", "fail"]}
"""Parameters of an address, and their values; of a table any."""
_BROKEN = b"!"
"""Stands for a message that is no JSON object, so that no message can make a batch unreadable."""
_EXAMPLE = "Write kafka://broker:9092/topic, or kafka://broker:9092/topic?table=sessions."


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    @property
    def part(self) -> str:
        """Return the name under which its mark is kept."""
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages by partition, as (offset, value); `before` and `after` are marks of these partitions."""

    messages: dict[Place, list[tuple[int, bytes]]]
    before: dict[str, Mark | None]
    after: dict[str, Mark]

    @property
    def size(self) -> int:
        """Return the number of messages."""
        return sum(map(len, self.messages.values()))


class _Lines:
    """Lines in memory that open like a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, _mode: str) -> BinaryIO:
        """Open the lines for reading."""
        return io.BytesIO(self._content)


class TopicSource:
    """Topics of a broker; each gives the rows of a table. Use as a context manager, after `start`.

    `name` is how its marks are kept. `begun` has the offsets from which partitions without a mark are read.
    """

    def __init__(self, address: str, names: ColumnMap, settings: Mapping[str, str] | None = None) -> None:
        """Describe the source; nothing is connected yet.

        Args:
            address: `kafka://BROKER[,BROKER]/TOPIC[,TOPIC][?table=TABLE][&start=latest][&gone=skip]`.
            names: tables by topic, where the topic is not called like its table.
            settings: of the client (librdkafka), for example how to sign in.

        Raises:
            MappingError: the address is faulty, or the table of a topic is not known.
        """
        parts = urlsplit(address)
        asked = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        topics = [topic for topic in parts.path.strip("/").split(",") if topic]
        # A password in an address ends in shell histories and process lists.
        if not parts.netloc or "@" in parts.netloc or not topics:
            raise MappingError(
                "The address of the topic cannot be read.",
                f"{_EXAMPLE} How to sign in goes to --kafka-config.",
            )
        for key, value in asked.items():
            if key not in _PARAMETERS or value not in (_PARAMETERS[key] or [value]):
                raise MappingError(
                    f"{key}={value} in the address of the topic means nothing.",
                    "Write table=TABLE, start=earliest, start=latest or gone=skip.",
                )
        self.tables = {topic: _find_table(topic, asked.get(_TABLE), names) for topic in topics}
        self.name = f"kafka://{parts.netloc}/{','.join(sorted(topics))}"
        self._brokers, self._settings = parts.netloc, dict(settings or {})
        self._from_end = asked.get("start") == "latest"
        self._skips = asked.get("gone") == "skip"
        self.begun: dict[str, Mark] = {}
        self._consumer: Consumer | None = None
        self._marks: dict[str, Mark | None] = {}
        self._at_end: dict[Place, bool] = {}
        self._looked = 0.0

    def start(self, marks: Mapping[str, Mark]) -> Self:
        """Set the marks to read from, by partition, as they are committed."""
        self._marks = dict(marks)
        return self

    def __enter__(self) -> Self:
        try:
            from confluent_kafka import Consumer, KafkaException
        except ImportError:
            raise SourceError(
                "Reading a topic needs a package that is not installed.", "Run: pip install 'graphsvc[kafka]'"
            ) from None
        try:
            self._consumer = Consumer(
                {
                    "group.id": "graphsvc",  # asked for by the client; no group is joined, and no offset kept there
                    "queued.max.messages.kbytes": QUEUE_KIB,
                    **self._settings,
                    "bootstrap.servers": self._brokers,
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    # An offset that is gone is an error here, and never a silent jump.
                    "auto.offset.reset": "error",
                    "allow.auto.create.topics": False,
                    "log_level": 0,
                }
            )
        except KafkaException as error:
            # The client names the setting, and for some its value.
            raise SourceError(
                f"A setting of the Kafka client is wrong ({error.args[0].name()}).", "Correct it."
            ) from None
        self._assign_partitions(first=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._consumer is not None:
            self._consumer.close()

    @property
    def is_at_end(self) -> bool:
        """Return whether all that the broker has was read."""
        return all(self._at_end.values())

    def read_batch(
        self, stopped: Event, rows: int = ROWS, seconds: float = SECONDS, *, once: bool = False
    ) -> Batch:
        """Read the next messages, at most `rows`; those of `seconds`, where fewer come.

        Args:
            stopped: ends the waiting.
            rows: of a batch.
            seconds: after which a batch is complete, whatever its size.
            once: whether a batch is also complete at the end of all partitions.

        Raises:
            SourceError: the broker refuses, or an offset is no longer there.
        """
        messages: dict[Place, list[tuple[int, bytes]]] = {}
        count, end = 0, time.monotonic() + seconds
        if time.monotonic() - self._looked > REFRESH:
            # A broker that is away for a while is waited for, as the client does with messages.
            with suppress(SourceError):
                self._assign_partitions(first=False)
        while count < rows and time.monotonic() < end and not stopped.is_set():
            for message in self._require_consumer().consume(rows - count, _POLL):
                place = Place(str(message.topic()), int(message.partition() or 0))
                if message.error() is not None:
                    self._note_error(message, place)
                    continue
                self._at_end[place] = False
                messages.setdefault(place, []).append((int(message.offset() or 0), message.value() or b""))
                count += 1
            if once and self.is_at_end:
                break
        # The next offset to read, as Kafka commits it. Gaps that transactions leave are no lost messages.
        after = {place.part: Mark(MarkKind.OFFSET, str(read[-1][0] + 1)) for place, read in messages.items()}
        return Batch(messages, {part: self._marks.get(part) for part in after}, after)

    def note_committed(self, marks: Mapping[str, Mark]) -> None:
        """Note that marks are committed."""
        self._marks |= marks

    def _require_consumer(self) -> "Consumer":
        assert self._consumer is not None, "the source is not open"  # noqa: S101 - for the type checker
        return self._consumer

    def _note_error(self, message: "Message", place: Place) -> None:
        from confluent_kafka import KafkaError

        error = message.error()
        assert error is not None  # noqa: S101 - for the type checker
        if error.code() == KafkaError._PARTITION_EOF:
            self._at_end[place] = True
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise self._build_gone_error(place)
        # Negative ones are of the client itself, which connects again by itself.
        elif error.fatal() or (error.code() >= 0 and not error.retriable()):
            raise SourceError(
                f"The broker refuses {place.part} of {self.name}: {error.name()}.",
                "Check the topic, and the rights of this client.",
            )

    def _build_gone_error(self, place: Place) -> SourceError:
        return SourceError(
            f"{self.name} no longer has the offset of {place.part} up to which it was read: messages were removed "
            "before they were loaded, or the topic was made again.",
            "Load what is missing from a folder. With gone=skip in the address the oldest message left comes next.",
        )

    def _assign_partitions(self, *, first: bool) -> None:
        """Assign partitions that are not assigned yet, from their marks. Those that come later are read from the start.

        Raises:
            SourceError: the broker does not answer, has no such topic, or no longer has an offset.
        """
        from confluent_kafka import KafkaException, TopicPartition

        consumer = self._require_consumer()
        self._looked = time.monotonic()
        try:
            known = consumer.list_topics(timeout=PATIENCE).topics
            for topic in self.tables:
                if topic not in known or known[topic].error is not None:
                    raise SourceError(
                        f"The broker {self._brokers} has no topic {topic}.", suggest_candidates(topic, known)
                    )
                new = [Place(topic, number) for number in known[topic].partitions]
                for place in [each for each in sorted(new) if each not in self._at_end]:
                    # Compared with the mark now, so that an offset that is gone ends the load before a batch.
                    low, high = consumer.get_watermark_offsets(TopicPartition(*place), timeout=PATIENCE)
                    kept = self._marks.get(place.part)
                    offset = int(kept.value) if kept else high if self._from_end and first else low
                    if kept is None:
                        self.begun[place.part] = Mark(MarkKind.OFFSET, str(offset))
                    if not low <= offset <= high:
                        if not self._skips:
                            raise self._build_gone_error(place)
                        offset = low
                    consumer.incremental_assign([TopicPartition(*place, offset)])
                    self._at_end[place] = False
        except KafkaException as error:
            raise SourceError(
                f"The broker {self._brokers} does not answer: {error.args[0].name()}.",
                "Check the address, and how to sign in (--kafka-config).",
            ) from None

    def list_tables(self, batch: Batch, *, together: bool = False) -> BundleFiles:
        """List the tables of a batch, a part a partition; `together`: a part a topic."""
        parts: dict[str, list[BundleFile]] = {}
        groups: dict[tuple[str, str], list[bytes]] = {}
        for place, messages in sorted(batch.messages.items()):
            lines = groups.setdefault((self.tables[place.topic], place.topic if together else place.part), [])
            lines += [_build_line(value) for _, value in messages]
        for (table, name), lines in groups.items():
            content = b"".join(line + b"\n" for line in lines)
            file = BundleFile(
                table, cast("Path", _Lines(content)), name, ".ndjson", len(content), is_stream=not together
            )
            parts.setdefault(table, []).append(file)
        return BundleFiles({table: tuple(parts[table]) for table in SCHEMAS if table in parts})


def name_offsets(letters: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    """Return dead letters (schema `DEAD_LETTERS`) whose `row` is the offset of the message."""
    offsets = pl.DataFrame(
        [
            (place.part, row, offset)
            for place, messages in batch.messages.items()
            for row, (offset, _) in enumerate(messages, 1)
        ],
        schema={"file": pl.String, "row": pl.Int64, "offset": pl.Int64},
        orient="row",
    )
    joined = letters.join(offsets, on=["file", "row"], how="left", maintain_order="left")
    return joined.with_columns(row=pl.col("offset")).select(letters.columns)


def _build_line(value: bytes) -> bytes:
    """Return a message as one line; empty for one without a value, which says that a key is deleted."""
    line = value.replace(b"\r", b" ").replace(b"\n", b" ").strip()
    return line if not line or line.startswith(b"{") else _BROKEN


def _find_table(topic: str, asked: str | None, names: ColumnMap) -> str:
    table = asked or names.find_table(topic)
    if table not in SCHEMAS:
        raise MappingError(
            f"No table is called {table}, as the topic is." if not asked else f"No table is called {table}.",
            f"{suggest_candidates(table, SCHEMAS)} {_EXAMPLE} A mapping file may name topics in [tables].".strip(),
        )
    return table


def read_settings(file: Path) -> dict[str, str]:
    """Read settings of the Kafka client: lines of `key=value`, as Kafka's own tools read them.

    Raises:
        MappingError: the file cannot be read, or a line is no setting. The line is not shown: it may hold a secret.
    """
    try:
        lines: Sequence[str] = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.", ""
        ) from None
    settings: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        key, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise MappingError(
                f"Line {number} of {file.name} is no setting.",
                "Write for example security.protocol=SASL_SSL.",
            )
        settings[key.strip()] = value.strip()
    return settings
