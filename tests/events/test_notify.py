"""Promise: an event reaches people in chat and by e-mail as a message, through apprise itself, and the process that
sends it connects to nothing but the public internet and the hosts that an operator named."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as Mail
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from command import run_command
from published import person
from receiver import Receiver, receive

from graphsvc.delivery import notify
from graphsvc.delivery.notify import Notifier
from graphsvc.delivery.notify_process import Guard
from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import Sender, check_endpoint
from graphsvc.errors import WebhookError
from graphsvc.events.messages import write_message
from graphsvc.events.secrets import Sealer
from graphsvc.events.services import SERVICES, find_service
from graphsvc.model.events import Event, EventType, NewEvent
from graphsvc.model.webhooks import EventFilter, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.events import build_append_step
from graphsvc.store.webhooks import add_webhook, queue_again, read_webhook

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SEALER = Sealer(b"a key for tests, 32 bytes long..")
LOCAL = frozenset(["127.0.0.1"])
TOKEN = "3ccdd113474722377935511fc85d3dd4"
GENEROUS = 60.0
"""Seconds for what is to succeed on a busy machine."""
FACTS = {
    "clusterId": "c7a2", "runId": "r1f0c", "assessment": "campaign", "score": 0.93, "coordination": 0.97,
    "accountsBefore": 20, "accountsAfter": 31, "description": "Grew by 11 accounts.",
}  # fmt: skip
EVENT = Event("r1f0c_grew_c7a2", 42, NOW, EventType.CLUSTER_GROWN, "c7a2", "", FACTS)


class Mailbox:
    """What a server for e-mail got: senders, recipients and messages; it refuses recipients in `refused`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], Mail]] = []
        self.refused: set[str] = set()
        self.port = 0

    async def handle_RCPT(  # noqa: N802
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        if address in self.refused:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append((envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=graphsvc@example.org&to=team@example.org"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        box.port = taken.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as found:
        yield found


def chat(receiver: Receiver, host: str = "127.0.0.1") -> str:
    return f"mmost://{host}:{receiver.url.rpartition(':')[2]}/{TOKEN}"


def test_a_message_has_what_people_need_and_no_more() -> None:
    message = write_message(EVENT, "https://graph.example/")
    assert message.title == "Cluster c7a2 grew"
    assert message.text.splitlines() == [
        "Grew by 11 accounts.",
        "Accounts: 31 (20 before)",
        "Score: 0.93",
        "Coordination: 0.97",
        "Assessment: campaign",
        "https://graph.example/#/clusters/c7a2",
        "",
        "cluster.grown, event r1f0c_grew_c7a2",
    ]
    assert "://" not in write_message(EVENT, None).text


@pytest.mark.parametrize("kind", EventType)
def test_each_type_of_event_has_a_message(kind: EventType) -> None:
    for data in ({}, FACTS):
        message = write_message(Event("e1", 1, NOW, kind, "s1", "s2", data), None)
        assert message.title
        assert "{" not in message.title
        assert message.text.endswith(f"{kind.value}, event e1")


def test_an_event_arrives_by_e_mail(mailbox: Mailbox) -> None:
    notifier = Notifier(LOCAL, "https://graph.example", GENEROUS)
    assert notifier.check_url(mailbox.url) == "mailto://127.0.0.1"
    assert notifier.send(mailbox.url, EVENT).reason == "sent"
    ((sender, recipients, mail),) = mailbox.got
    assert (sender, recipients) == ("graphsvc@example.org", ["team@example.org"])
    assert mail["subject"] == "Cluster c7a2 grew"
    assert mail.get_content_type() == "text/plain"
    assert "https://graph.example/#/clusters/c7a2" in str(mail.get_payload(decode=True), "utf-8")


def test_an_event_arrives_in_a_chat(receiver: Receiver) -> None:
    assert Notifier(LOCAL, None, GENEROUS).send(chat(receiver), EVENT).is_delivered
    (sent,) = receiver.got
    assert sent.path == f"/hooks/{TOKEN}"
    text = json.loads(sent.body)["text"]
    assert "Cluster c7a2 grew" in text
    assert "Accounts: 31 (20 before)" in text


def test_a_host_that_is_not_named_is_refused_when_it_is_added_and_when_it_is_sent_to(
    receiver: Receiver, mailbox: Mailbox
) -> None:
    notifier = Notifier(frozenset(), None, GENEROUS)
    port = receiver.url.rpartition(":")[2]
    for url in (
        f"mmosts://127.0.0.1:{port}/{TOKEN}",
        f"mmosts://localhost:{port}/{TOKEN}",
        f"mmosts://2130706433:{port}/{TOKEN}",
        mailbox.url.replace("mailto", "mailtos"),
        f"mailtos://smtp.example.org?smtp=localhost&port={mailbox.port}&from=a@example.org",
    ):
        with pytest.raises(WebhookError, match=r"public internet|understands"):
            notifier.check_url(url)
        assert not notifier.send(url, EVENT).is_delivered
    for url in (chat(receiver), mailbox.url):
        with pytest.raises(WebhookError, match="TLS"):
            notifier.check_url(url)
        assert notifier.send(url, EVENT).reason == "refused address"
    assert (receiver.got, mailbox.got) == ([], [])


GUARDED = """
import json, socket, sys
from graphsvc.delivery.notify_process import Guard
answers = {answers!r}
socket.getaddrinfo = lambda host, port, *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[host], port))]
guard = Guard(frozenset({allowed!r}))
guard.install()
import requests
try:
    print(requests.post("http://{host}:{port}/x", timeout=5, json={{}}).status_code)
except requests.RequestException:
    print("refused" if guard.is_refused else "failed")
"""


@pytest.mark.parametrize(
    ("host", "allowed", "said"),
    [("rebind.example", [], "refused"), ("rebind.example", ["rebind.example"], "200")],
)
def test_a_name_is_checked_by_the_address_that_it_leads_to(
    receiver: Receiver, host: str, allowed: list[str], said: str
) -> None:
    port = receiver.url.rpartition(":")[2]
    # The name means this machine at the moment of connecting, whatever it meant when it was checked.
    script = GUARDED.format(answers={host: "127.0.0.1"}, allowed=allowed, host=host, port=port)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
    assert len(receiver.got) == (said == "200")


REBOUND = """
import socket
resolve, answers = socket.getaddrinfo, ["93.184.215.14"]
def rebind(host, port, *given, **more):
    if host != "rebind.example":
        return resolve(host, port, *given, **more)
    address = answers.pop() if answers else "127.0.0.1"
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]
socket.getaddrinfo = rebind
"""


@pytest.mark.parametrize("scheme", ["mmosts", "mailtos"])
def test_a_name_that_is_bound_again_after_its_check_reaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    # Python runs this module at its start, so the resolver of the process is one that lies from the second time on.
    (tmp_path / "sitecustomize.py").write_text(REBOUND)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        more = "?from=a@example.org&mode=ssl" if scheme == "mailtos" else f"/{TOKEN}"
        url = f"{scheme}://rebind.example:{port}{more}"
        assert Notifier(frozenset(), None, GENEROUS).check_url(url) == f"{scheme}://rebind.example"
        assert Notifier(frozenset(), None, GENEROUS).send(url, EVENT).reason == "refused address"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_pause_that_a_service_asks_for_is_known(receiver: Receiver) -> None:
    receiver.answers[f"/hooks/{TOKEN}"] = 503
    outcome = Notifier(LOCAL, None, GENEROUS).send(chat(receiver), EVENT)
    assert (outcome.status, outcome.retry_after) == (503, 77)


def test_a_redirect_leads_nowhere(receiver: Receiver) -> None:
    receiver.answers[f"/hooks/{TOKEN}"] = 302
    assert Notifier(LOCAL, None, GENEROUS).send(chat(receiver), EVENT).reason == "302"
    assert receiver.at("/elsewhere") == []


ATTEMPTS = {
    "a local socket": "import socket; socket.socket(socket.AF_UNIX).connect('/run/none.sock')",
    "a name": "import socket; socket.socket().connect(('localhost', 1))",
    "a datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "no blocking": "import socket; socket.socket().connect_ex(('10.0.0.1', 1))",
    "IPv6": "import socket; socket.socket(socket.AF_INET6).connect(('::1', 1))",
    "an embedded address": "import socket; socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', 1))",
    "an event loop": "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', 1))",
    "a command": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; os.system('true')",
    "a fork": "import os; os.fork()",
    "another program": "import os; os.execv('/bin/true', ['true'])",
    "a file": "open('written', 'w')",
    "a file by number": "import os; os.open('written', os.O_CREAT | os.O_WRONLY)",
    "a removal": "import os; os.remove('there')",
}


def test_the_process_can_do_nothing_but_send(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    lines = ["from graphsvc.delivery.notify_process import Guard", "Guard(frozenset()).install()"]
    for name, attempt in ATTEMPTS.items():
        lines += ["try:", f"    {attempt}", f"    print({name!r})", "except PermissionError:", "    pass"]
    paths = {"PYTHONPATH": os.pathsep.join(str(Path(each).absolute()) for each in sys.path if each)}
    script = [sys.executable, "-B", "-c", "\n".join([*lines, "print('the end')"])]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=tmp_path, env=paths)
    assert (done.stdout, done.stderr) == ("the end\n", "")
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_a_public_address_and_one_of_a_named_host_are_let_through() -> None:
    guard = Guard(frozenset(["localhost", "10.1.2.3"]))
    assert guard._may_reach(("93.184.215.14", 443))
    assert guard._may_reach(("10.1.2.3", 25))
    assert not guard._may_reach(("127.0.0.1", 25))
    guard._resolve_host("LOCALHOST", 25, socket.AF_INET)
    assert guard._may_reach(("127.0.0.1", 25))
    for address in ("/run/x", b"/run/x", (), (5, 1), ("localhost", 25)):
        assert not guard._may_reach(address)


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_a_service_that_hangs_is_cut_off(receiver: Receiver, answer: str) -> None:
    receiver.answers[f"/hooks/{TOKEN}"] = answer
    begin = time.monotonic()
    outcome = Notifier(LOCAL, None, 4.0).send(chat(receiver), EVENT)
    assert (outcome.status, outcome.is_about_all) == (0, True)
    assert time.monotonic() - begin < GENEROUS
    receiver.go.set()


def test_a_process_whose_parent_was_killed_ends_by_itself(receiver: Receiver) -> None:
    receiver.answers[f"/hooks/{TOKEN}"] = "drip"
    job = {"url": chat(receiver), "allowed": sorted(LOCAL), "seconds": 2.0, "title": "a", "text": "b"}
    done = subprocess.run(
        [sys.executable, "-m", "graphsvc.delivery.notify_process"],
        input=json.dumps(job), text=True, capture_output=True, check=False, timeout=GENEROUS,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGALRM, "")
    receiver.go.set()


def test_the_address_is_in_no_argument_and_no_variable_and_proxies_are_not_passed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GRAPHSVC_NEO4J_PASSWORD", "hidden")
    started: list[tuple[Any, Any]] = []
    run = subprocess.run

    def note(command: Any, **kwargs: Any) -> Any:
        started.append((command, kwargs["env"]))
        return run(command, **kwargs)

    monkeypatch.setattr(notify.subprocess, "run", note)
    assert Notifier(LOCAL, None, GENEROUS).send(chat(receiver), EVENT).is_delivered
    assert TOKEN not in str(started)
    ((_, environment),) = started
    assert not [name for name in environment if "PROXY" in name.upper() or "GRAPHSVC" in name]


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?verify=no",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?template=/etc/hostname",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?TIiajkdnlazkcOXrIdevi7FQ=1",
        "slack://TIiajkdnlazkcOXrIdevi7FQ",
        "mailtos://me:TIiajkdnlazkcOXrIdevi7FQ@mail.example?pgpprv=/etc/hostname",
        "mailtos://me:TIiajkdnlazkcOXrIdevi7FQ@mail.example?+bcc=x",
        "mailtos://me:TIiajkdnlazkcOXrIdevi7FQ@mail.example?redirect=yes",
        "mailtos://me:TIiajkdnlazkcOXrIdevi7FQ@mail.example?mode=TIiajkdnlazkcOXrIdevi7FQ",
        "discord://1/TIiajkdnlazkcOXrIdevi7FQ?avatar_url=http://x",
        "tgram://TIiajkdnlazkcOXrIdevi7FQ",
        "slack://TIiajkdnlazkcOXrIdevi7FQ\r\n",
        "slack://TIiajkdnlazkcOXrIdevi7FQ/" + "x" * 2_000,
        "msteams://TIiajkdnlazkcOXrIdevi7FQ",
    ],
)
def test_an_address_that_is_refused_is_not_shown(url: str) -> None:
    with pytest.raises(WebhookError) as error:
        Notifier(frozenset(), None, GENEROUS).check_url(url)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(error.value)
    assert "could not be checked" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        f"mmosts://mmost://10.0.0.1/{TOKEN}",
        f"mmosts://[::1]/{TOKEN}",
        f"mmosts://me@[::ffff:127.0.0.1]/{TOKEN}",
        f"workflows://10.0.0.1/{TOKEN}/signature-of-it",
        "mailtos://me:word@mail.example?MODE=insecure",
        "mailtos://me:word@mail.example?%6dode=insecure",
        f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN[:24]}?%76erify=no",
        f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN[:24]}#c?verify=no",
        f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN[:24]}?to=a;verify=no",
    ],
)
def test_an_address_that_is_written_in_another_way_is_checked_as_apprise_reads_it(url: str) -> None:
    with pytest.raises(WebhookError):
        Notifier(frozenset(), None, GENEROUS).check_url(url)
    outcome = Notifier(frozenset(), None, GENEROUS).send(url, EVENT)
    assert (outcome.status, outcome.reason) == (0, "refused address")


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/x",
        "xml://a",
        "form://a",
        "syslog://",
        "dbus://",
        "macosx://",
        "windows://",
        "file:///tmp/x",
    ],
)
def test_what_apprise_could_also_do_is_no_target(url: str) -> None:
    assert find_service(url) is None
    with pytest.raises(WebhookError, match="no address of a webhook"):
        check_endpoint(Settings(), url, EventFilter())


def test_recipients_are_so_few_that_a_message_reaches_all_of_them_in_its_time() -> None:
    rooms = "/".join(f"%23room{number}" for number in range(20))
    with pytest.raises(WebhookError, match="20 recipients"):
        Notifier(frozenset()).check_url(f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN[:24]}/{rooms}")
    assert Notifier(frozenset()).check_url(f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN[:24]}/%23a/%23b")


def test_each_service_is_one_that_apprise_has() -> None:
    names = sorted({(each.module, each.plugin) for each in SERVICES.values()})
    script = "import importlib\n" + "\n".join(
        f"importlib.import_module('apprise.plugins.{module}').{plugin}.parse_url" for module, plugin in names
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(WebhookError, match=r"pip install 'graphsvc\[notify\]'") as error:
        check_endpoint(Settings(), "slack://a/b/c", EventFilter())
    assert error.value.code == "webhook"
    assert Notifier(frozenset()).send("slack://a/b/c", EVENT).reason == "graphsvc[notify] is not installed"


def test_a_message_that_fails_is_tried_again_in_order_like_any_webhook(
    database: Store, receiver: Receiver, mailbox: Mailbox
) -> None:
    def add(url: str) -> str:
        made, _ = add_webhook(
            database, person("ada"), SEALER, url=url, host="x", name="x", form=WebhookFormat.STANDARD,
            wanted=EventFilter(),
        )  # fmt: skip
        return made.id

    talk, post = add(chat(receiver)), add(mailbox.url)
    receiver.answers[f"/hooks/{TOKEN}"] = 503
    mailbox.refused.add("team@example.org")
    events = [
        NewEvent(f"n{number}", EventType.CLUSTER_BORN, "c1", "", {"clusterId": "c1"}) for number in (1, 2)
    ]
    database.run_transaction(build_append_step(events))
    sender = Sender(database, SEALER, Poster(LOCAL), "urn:test", notifier=Notifier(LOCAL, None, GENEROUS))
    assert sender.send_once() == {"failed": 2}
    assert [read_webhook(database, each).last_status for each in (talk, post)] == ["503", "not taken"]
    receiver.answers.clear()
    mailbox.refused.clear()
    receiver.got.clear()
    for each in (talk, post):
        queue_again(database, person("ada"), each)
    assert sender.send_once() == {"delivered": 4}
    texts = [json.loads(each.body)["text"] for each in receiver.got]
    assert ["event n1" in texts[0], "event n2" in texts[1]] == [True, True]
    assert len(mailbox.got) == 2


@pytest.mark.usefixtures("cli_environment", "database")
def test_the_commands_take_an_address_of_chat(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run_command("webhooks", "add", chat(receiver))
    assert (refused.returncode, TOKEN in refused.stderr) == (1, False)
    monkeypatch.setenv("GRAPHSVC_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
    assert run_command("webhooks", "add", chat(receiver), "--format", "cloudevents").returncode == 1
    added = run_command("webhooks", "add", chat(receiver), "--name", "team")
    assert (added.returncode, added.stdout) == (0, ""), added.stderr
    (listed,) = json.loads(run_command("webhooks", "list", "--json").stdout)
    assert (listed["name"], listed["host"]) == ("team", "mmost://127.0.0.1")
    assert run_command("webhooks", "test", listed["id"]).stdout == "Delivered: sent\n"
    assert "Test of graphsvc" in json.loads(receiver.got[0].body)["text"]
    assert TOKEN not in run_command("webhooks", "list").stdout
