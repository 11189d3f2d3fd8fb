"""Send events to topics of a Kafka broker, as messages of CloudEvents: each waits for the broker's word."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphsvc.delivery.post import TIMEOUT_SECONDS, Outcome
from graphsvc.errors import WebhookError
from graphsvc.events.targets import parse_url
from graphsvc.sources.kafka import read_settings

if TYPE_CHECKING:
    from confluent_kafka import Producer

STORED = Outcome(200, "stored")
TOO_LARGE = Outcome(413, "message too large")
"""Of this event alone: others may be smaller."""


class TopicSender:
    """Sends messages to topics. It keeps a connection to each broker, as clients of Kafka do."""

    def __init__(
        self, allowed: frozenset[str], config: Path | None = None, seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Initialize.

        Args:
            allowed: hosts of brokers. The client connects to all that these name, so no address is checked.
            config: settings of the client (librdkafka), a line `key=value` each, for example how to sign in.
            seconds: that a broker has to store a message.
        """
        self._allowed, self._config, self._seconds = allowed, config, seconds
        self._lock = threading.Lock()
        self._producers: dict[str, Producer] = {}

    def send(self, url: str, key: str, body: str, headers: Mapping[str, str]) -> Outcome:
        """Send a message and wait until all replicas in step have it. Never raises for what a broker does.

        Args:
            url: `kafka://BROKER:PORT/TOPIC`.
            key: messages of a key go to one partition, in their order.
            body: what is sent.
            headers: of the message.
        """
        from confluent_kafka import KafkaError, KafkaException

        location = parse_url(url, self._allowed)
        said: list[KafkaError | None] = []
        try:
            producer = self._open_producer(f"{location.host}:{location.port}")
            producer.produce(
                location.path.strip("/"),
                body.encode(),
                key.encode(),
                headers=list(headers.items()),
                on_delivery=lambda error, _: said.append(error),
            )
            # The client itself gives up after `seconds`; a second more for it to say so.
            producer.flush(self._seconds + 1)
        except BufferError:
            return Outcome(0, "too many messages wait")
        except KafkaException as error:
            said.append(error.args[0])
        if not said or (said[0] and said[0].code() == KafkaError._MSG_TIMED_OUT):
            return Outcome(0, "timed out")
        if said[0] is None:
            return STORED
        if said[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return TOO_LARGE
        # Names of librdkafka, such as `TOPIC_AUTHORIZATION_FAILED`: nothing that a broker wrote.
        return Outcome(0, said[0].name().strip("_").lower().replace("_", " "))

    def _open_producer(self, broker: str) -> "Producer":
        from confluent_kafka import Producer

        # Webhooks send in threads, and one producer a broker keeps one set of connections.
        with self._lock:
            if broker not in self._producers:
                settings: dict[str, Any] = dict(read_settings(self._config)) if self._config else {}
                self._producers[broker] = Producer(
                    {
                        **settings,
                        "bootstrap.servers": broker,
                        # Neither lost with one replica, nor doubled or reordered by the client's own repetitions.
                        "acks": "all",
                        "enable.idempotence": True,
                        "message.timeout.ms": round(self._seconds * 1000),
                        "allow.auto.create.topics": False,
                        "log_level": 0,
                    }
                )
            return self._producers[broker]


def check_package() -> None:
    """Check that messages can be sent.

    Raises:
        WebhookError: the package is not installed.
    """
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        raise WebhookError(
            "Sending to a topic needs a package that is not installed.",
            "Run: pip install 'graphsvc[kafka]'",
        ) from None
