"""Promise: what is sent verifies with the reference library, waits as it should, and goes to no private address."""

import json
import socket
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from receiver import receive
from standardwebhooks import Webhook as Reference
from standardwebhooks import WebhookVerificationError

from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import check_endpoint
from graphsvc.errors import WebhookError
from graphsvc.events.envelope import build_body, build_headers
from graphsvc.events.filters import is_quiet, is_wanted, parse_quiet
from graphsvc.events.schedule import MOST_SECONDS, compute_pause, select_ready
from graphsvc.events.secrets import Sealer, Target, generate_secret
from graphsvc.events.targets import is_public, parse_url
from graphsvc.model.events import Event, EventType
from graphsvc.model.webhooks import Delivery, EventFilter, WebhookFormat
from graphsvc.settings import Settings

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def event(number: int = 1, subject: str = "c1", related: str = "", **data: object) -> Event:
    return Event(f"e{number}", number, NOW, EventType.CLUSTER_GROWN, subject, related, data)


def sent(secrets: list[str], moment: datetime, form: WebhookFormat = WebhookFormat.STANDARD) -> Any:
    body = build_body(event(), form, "urn:graphsvc")
    return body, build_headers("e1", body, form, secrets, moment)


def test_the_reference_library_takes_what_is_signed_and_nothing_else() -> None:
    old, new, other = (generate_secret() for _ in range(3))
    body, headers = sent([new, old], datetime.now(UTC))
    for secret in (old, new):  # both, while a rotation is not over
        assert Reference(secret).verify(body, headers)["data"]["id"] == "e1"
    forged = {**headers, "webhook-id": "e2"}
    for secret, what, given_headers in (
        (other, body, headers),
        (new, body + " ", headers),
        (new, body, forged),
    ):
        with pytest.raises(WebhookVerificationError):
            Reference(secret).verify(what, given_headers)


def test_the_reference_library_refuses_what_is_replayed() -> None:
    secret = generate_secret()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Reference(secret).verify(*sent([secret], datetime.now(UTC) - timedelta(minutes=6)))


def test_a_signature_is_that_of_the_specification() -> None:
    # The example of standard-webhooks/spec, "Verifying signatures".
    secret, moment = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)
    headers = build_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', WebhookFormat.STANDARD, [secret], moment
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_cloud_event_has_what_the_specification_asks_for() -> None:
    body, headers = sent([generate_secret()], NOW, WebhookFormat.CLOUDEVENTS)
    found = json.loads(body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert {name: found[name] for name in ("specversion", "id", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "id": "e1",
        "source": "urn:graphsvc",
        "type": "graphsvc.cluster.grown",
        "subject": "c1",
        "time": "2026-11-30T08:00:00.000Z",
    }
    bare = json.loads(build_body(event(subject=""), WebhookFormat.CLOUDEVENTS, "urn:graphsvc"))
    assert "subject" not in bare


@pytest.mark.parametrize(
    ("wanted", "data", "passes"),
    [
        (EventFilter(), {}, True),
        (EventFilter([EventType.CLUSTER_BORN]), {}, False),
        (EventFilter(min_size=30), {"accountsBefore": 20, "accountsAfter": 29}, False),
        (EventFilter(min_size=30), {"accountsBefore": 20, "accountsAfter": 30}, True),
        (EventFilter(min_growth=10), {"accountsBefore": 20, "accountsAfter": 29}, False),
        (EventFilter(min_growth=10), {"accountsBefore": 20, "accountsAfter": 30}, True),
        (EventFilter(min_score=0.9), {"accountsBefore": 1, "accountsAfter": 2, "score": 0.8}, False),
        (EventFilter(min_score=0.9), {"accountsBefore": 1, "accountsAfter": 2, "score": None}, True),
        (EventFilter(min_size=30, min_score=0.9), {"decisionId": "d1"}, True),
        (EventFilter(min_size=30, min_score=0.9), {"membership": 0.9, "score": 0.8}, False),
        (EventFilter(min_size=30, min_score=0.9), {"membership": 0.9, "score": 0.9}, True),
        (EventFilter(followed=True), {"clusterId": "c1"}, False),
        (EventFilter(followed=True), {"runId": "r1"}, True),
    ],
)
def test_a_filter_takes_what_it_says(wanted: EventFilter, data: dict[str, object], passes: bool) -> None:
    assert is_wanted(event(**data), wanted) is passes


def test_a_cluster_is_followed_as_itself_and_as_the_other_that_an_event_concerns() -> None:
    wanted, merged = EventFilter(followed=True), event(clusterId="c1", related="c2")
    assert is_wanted(event(clusterId="c1"), wanted, {"c1"})
    assert is_wanted(merged, wanted, {"c2"})
    assert not is_wanted(merged, wanted, {"c3"})
    assert is_wanted(merged, EventFilter())


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        ("", "03:00", False),
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        ("22:00-06:00 Europe/Berlin", "21:00", True),  # an hour ahead of UTC in winter
        ("22:00-06:00 Europe/Berlin", "05:00", False),
    ],
)
def test_quiet_hours_may_span_midnight_and_have_a_zone(hours: str, at: str, quiet: bool) -> None:
    assert is_quiet(hours, datetime.fromisoformat(f"2026-11-30T{at}:00+00:00")) is quiet


@pytest.mark.parametrize("hours", ["22-6", "24:00-06:00", "22:00-06:00 Atlantis/City", "22:00-06:00 ../etc"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(WebhookError, match="no hours"):
        parse_quiet(hours)


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_pauses_are_bounded_and_grow(attempts: int, asked: float) -> None:
    pause = compute_pause(attempts, asked=asked)
    assert 2.5 <= pause <= MOST_SECONDS
    assert pause >= min(asked, MOST_SECONDS)
    assert compute_pause(attempts + 1) >= min(compute_pause(attempts) / 2, MOST_SECONDS / 2)


DELIVERIES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "a", "b"]), st.booleans()), max_size=20
)


@given(DELIVERIES)
def test_an_event_waits_for_the_earlier_ones_of_its_clusters_and_for_nothing_else(drawn: Any) -> None:
    waiting = [
        Delivery(f"w/e{n}", event(n, subject, related), 0, due, 0.0)
        for n, (subject, related, due) in enumerate(drawn)
    ]
    ready = select_ready(waiting)
    for place, each in enumerate(waiting):
        earlier = [other for other in waiting[:place] if other.clusters & each.clusters]
        assert (each in ready) == (each.is_due and all(other in ready for other in earlier))


def test_a_sealed_target_opens_with_its_key_and_its_webhook_only() -> None:
    sealer, target = Sealer(b"k" * 32), Target("https://example.org/x", generate_secret())
    sealed = sealer.seal("w1", target)
    assert target.secret not in sealed
    assert sealer.open("w1", sealed) == target
    for other, webhook, text in (
        (Sealer(b"o" * 32), "w1", sealed),
        (sealer, "w2", sealed),
        (sealer, "w1", "?"),
    ):
        with pytest.raises(WebhookError, match="cannot be opened"):
            other.open(webhook, text)


def test_a_rotated_secret_signs_until_its_grace_is_over() -> None:
    first = Target("https://example.org/x", generate_secret())
    second = first.rotate(NOW, timedelta(hours=1))
    assert second.list_secrets(NOW) == [second.secret, first.secret]
    assert second.list_secrets(NOW + timedelta(hours=1)) == [second.secret]
    assert first.secret not in repr(second)


PRIVATE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",  # noqa: S104
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::1", "2002:a00:1::", "2001:0:5ef5:79fd::1", "no address",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https:///x", "https://user@example.org/",
        "https://user:word@example.org/", "https://example.org/#x", "https://example.org:99999/",
        "https://example.org/ x", "https://example.org/\r\nx: y", "https://exämple.org/é", "https://[::1",
        "example.org", "", "https://a/" + "x" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WebhookError):
        parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "kafka://other.example:9092/events", "kafka://named.example/a/b", "kafka://named.example/", "kafka://named.example",
        "kafka://named.example/a?b=c", "kafka://user@named.example/a", "kafka://named.example/" + "x" * 250,
    ],
)  # fmt: skip
def test_a_topic_is_of_a_broker_that_the_operator_named(url: str) -> None:
    allowed = frozenset(["named.example"])
    with pytest.raises(WebhookError):
        parse_url(url, allowed)
    found = parse_url("kafka://named.example/fraud.events-1", allowed)
    assert (found.host, found.port, found.path) == ("named.example", 9092, "/fraud.events-1")


def test_a_missing_package_of_topics_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    settings = Settings(webhook_allowed_hosts="named.example")
    with pytest.raises(WebhookError, match=r"graphsvc\[kafka\]"):
        check_endpoint(settings, "kafka://named.example/events", EventFilter())


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost", "127.0.0.1"],
)
def test_loopback_in_any_spelling_is_refused_before_a_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: connected.append(address))
    assert Poster(frozenset()).post(f"https://{host}/", "{}", {}).reason == "refused address"
    with pytest.raises(WebhookError, match="public internet"):
        Poster(frozenset()).check_url(f"https://{host}/")
    assert connected == []


def answer(*addresses: str) -> list[Any]:
    """What the resolver answers."""
    return [
        (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443))
        for each in addresses
    ]


def test_a_name_that_is_bound_again_reaches_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [answer("93.184.215.14"), answer("127.0.0.1")]
    asked: list[str] = []
    connected: list[Any] = []

    def resolve(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return answers.pop(0)

    def connect(_: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    poster = Poster(frozenset())
    assert poster.post("https://rebind.example/", "{}", {}).reason == "refused"
    assert (asked, connected) == (["rebind.example"], [("93.184.215.14", 443)])
    # The second attempt resolves again, and refuses what it finds then.
    assert poster.post("https://rebind.example/", "{}", {}).reason == "refused address"
    assert len(connected) == 1


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer("93.184.215.14", "10.0.0.1"))
    assert Poster(frozenset()).post("https://both.example/", "{}", {}).reason == "refused address"


def test_a_host_that_is_named_may_be_private_and_by_http(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    # The port is free again, so the connection is refused there, and not the address before it.
    assert Poster(frozenset(["127.0.0.1"])).post(f"http://127.0.0.1:{port}/", "{}", {}).reason == "refused"


def make_certificate(directory: Path, host: str) -> tuple[Path, Path]:
    """A self-signed certificate for a host, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = directory / f"{host}.pem", directory / f"{host}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


@pytest.mark.parametrize(
    ("named", "trusted", "reason"),
    [("localhost", True, "200"), ("localhost", False, "TLS"), ("other.example", True, "TLS")],
)
def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, named: str, trusted: bool, reason: str
) -> None:
    pem, secret = make_certificate(tmp_path, named)
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(pem, secret)
    here = ssl.create_default_context(cafile=pem if trusted else None)
    with receive(there) as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = Poster(frozenset(["localhost"]), here).post(f"https://localhost:{port}/x", "{}", {})
        assert outcome.reason == reason
        assert [each.headers["host"] for each in receiver.got] == [f"localhost:{port}"] * outcome.is_delivered
