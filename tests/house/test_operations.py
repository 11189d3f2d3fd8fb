"""Promise: whoever runs the service sees what it does, and it stops without losing an answer.

Logs, metrics, traces, headers, the end of the process. Nothing of what was asked or answered is in any of them.
"""

import builtins
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from api import Api, write
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from websockets import ConnectionClosed
from websockets.sync.client import connect

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.http import logs
from graphsvc.api.http.traces import NoTraces, OpenTelemetry, build_traces
from graphsvc.api.services import get_services
from graphsvc.errors import SettingsError
from graphsvc.settings import Settings
from graphsvc.store import Store

SECRETS = ("a01", "c-large", "canary", "instrument:k1", "Bearer", "203.0.113")
"""What must be in no log, metric or span: ids, keys of signals, arguments, credentials."""
RANDOM_ID = re.compile(r"\b(?:0x)?[0-9a-f]{16,32}\b")
"""The id of a trace, a span or a request: a run in a dozen spells an account's id in one of them."""
ASKED = """query Page($id: String!) {
  account(id: $id) { id membership { cluster { id } } }
  canary: cluster(id: "c-large") { id }
}"""


@pytest.fixture
def api(database: Store, installation: Settings) -> Iterator[Api]:
    write(database, "published")
    key = keys.create_key(installation.keys_dir, Role.VIEWER)
    with TestClient(create_app(installation, database.address)) as client:
        yield Api(client, key)


def metrics(api: Api) -> dict[str, float]:
    """Samples by their name and labels."""
    answer = api.client.get("/metrics", headers={"Authorization": f"Bearer {api.key}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_need_a_key_and_tell_of_requests_and_runs(api: Api) -> None:
    assert api.client.get("/metrics").status_code == 401
    for _ in range(3):
        api.data(ASKED, id="a01")
    api.error("{ nothing }")
    api.error("{ runs(first: 0) { edges { cursor } } }")
    found = metrics(api)
    assert found['graphsvc_requests_total{code="ok",kind="query"}'] == 3
    assert found['graphsvc_requests_total{code="bad_document",kind="refused"}'] == 1
    assert found['graphsvc_requests_total{code="bad_input",kind="query"}'] == 1
    assert found['graphsvc_requests_total{code="http_401",kind="other"}'] == 1
    assert found['graphsvc_request_seconds_count{kind="query"}'] == 4
    assert found["graphsvc_request_cost_sum"] == 3 + 1 + 1
    assert found['graphsvc_statement_seconds_count{statement="query/account_by_id"}'] == 3
    assert found["graphsvc_database_up"] == 1
    assert found['graphsvc_database_connections{state="in_use"}'] == 0
    assert found['graphsvc_database_connections{state="idle"}'] >= 1
    assert found['graphsvc_runs{status="published"}'] == 1
    assert found['graphsvc_runs{status="failed"}'] == 1
    assert found["graphsvc_published_run_age_seconds"] > 0
    assert found['graphsvc_webhook_deliveries{state="dead"}'] == 0
    assert found["graphsvc_works_inside"] == found["graphsvc_requests_inside"] == 0


def secrets_in(text: str, *also: str) -> list[str]:
    text = RANDOM_ID.sub("", text)
    return [secret for secret in (*SECRETS, *also) if secret in text]


def test_open_websockets_are_counted(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    with api.client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers):
        assert metrics(api)["graphsvc_websockets"] == 1
    assert metrics(api)["graphsvc_websockets"] == 0


def test_metrics_hold_nothing_of_what_was_asked_and_do_not_grow_with_it(api: Api) -> None:
    api.data(ASKED, id="a01")
    before = len(metrics(api))
    for number in range(20):
        api.post(f"query Canary{number} {{ x{number}: viewer {{ keyId }} }}")
        api.client.get(f"/canary/{number}")
    metrics(api)
    after = api.client.get("/metrics", headers={"Authorization": f"Bearer {api.key}"}).text
    assert not secrets_in(after)
    assert len([line for line in after.splitlines() if not line.startswith("#")]) <= before + 60


def test_apps_do_not_share_metrics(database: Store, installation: Settings, api: Api) -> None:
    api.data("{ viewer { keyId } }")
    with TestClient(create_app(installation, database.address)) as client:
        assert 'graphsvc_requests_total{code="ok",kind="query"}' not in metrics(Api(client, api.key))


def test_spans_tell_of_the_request_the_operation_and_its_statements(api: Api) -> None:
    exporter = InMemorySpanExporter()
    get_services(api.client.app).traces = OpenTelemetry(exporter, at_once=True)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = api.client.post(
        "/graphql",
        json={"query": ASKED, "variables": {"id": "a01"}},
        headers={"Authorization": f"Bearer {api.key}", "traceparent": trace},
    )
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request, asked = spans["POST /graphql"], spans["query Page"]
    assert {"query/account_by_id", "query/account_membership", "query/cluster_by_id"} <= set(spans)
    assert request.context is not None
    assert asked.context is not None
    assert format(request.context.trace_id, "032x") == trace.split("-")[1]
    assert asked.parent is not None
    assert asked.parent.span_id == request.context.span_id
    for name in ("query/account_by_id", "query/account_membership"):
        parent = spans[name].parent
        assert parent is not None
        assert parent.span_id == asked.context.span_id
    assert request.attributes is not None
    assert request.attributes["graphsvc.request_id"] == answer.headers["X-Request-Id"]
    assert not secrets_in(" ".join(span.to_json() for span in exporter.get_finished_spans()))


def test_a_failed_statement_is_seen_in_its_span_by_its_code(installation: Settings, api: Api) -> None:
    exporter = InMemorySpanExporter()
    traces = OpenTelemetry(exporter, at_once=True)
    with pytest.raises(SettingsError), traces.start_span("query/nothing"):
        raise SettingsError("canary", "canary")
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "settings"
    assert "canary" not in span.to_json()


def test_traces_are_made_only_where_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(build_traces(Settings(data_dir=tmp_path)), NoTraces)
    wanted = Settings(data_dir=tmp_path, otel_endpoint="http://127.0.0.1:9")
    made = build_traces(wanted)
    assert isinstance(made, OpenTelemetry)
    made.close()
    imported = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"graphsvc\[otel\]"):
        build_traces(wanted)


def test_a_well_formed_request_id_is_taken_and_no_other(api: Api) -> None:
    for offered, taken in (
        ("abc-DEF_0123", True),
        ("short", False),
        ("x" * 65, False),
        ("a b\tc{}d;e", False),
    ):
        answer = api.client.get("/healthz", headers={"X-Request-Id": offered})
        assert (answer.headers["X-Request-Id"] == offered) == taken


@pytest.mark.parametrize("path", ["/healthz", "/graphql", "/nothing", "/metrics"])
def test_every_answer_has_careful_headers_and_names_no_server(api: Api, path: str) -> None:
    headers = api.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("graph.example", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
def test_only_its_own_names_reach_the_service(api: Api, tmp_path: Path, host: str, status: int) -> None:
    settings = Settings(data_dir=tmp_path, allowed_hosts="graph.example")
    address = get_services(api.client.app).reader._address
    key = keys.create_key(settings.keys_dir, Role.VIEWER)
    with TestClient(create_app(settings, address)) as client:
        headers = {"Authorization": f"Bearer {key}", "Host": host}
        answer = client.post("/graphql", json={"query": "{ viewer { keyId } }"}, headers=headers)
        assert answer.status_code == status
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
        if status == 421:
            assert answer.json()["errors"][0]["extensions"]["code"] == "unknown_host"


@dataclass(frozen=True, slots=True)
class Served:
    """A `graphsvc serve` in a process of its own."""

    process: "subprocess.Popen[str]"
    url: str
    key: str

    def lines(self) -> list[dict[str, Any]]:
        """What it logged, after its end."""
        text = self.process.stderr.read() if self.process.stderr else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@contextmanager
def process(installation: Settings, **environment: str) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = {f"GRAPHSVC_{name.upper()}": value for name, value in environment.items()}
    served = subprocess.Popen(
        [sys.executable, "-m", "graphsvc", "serve", "--port", str(port)],
        env={
            **os.environ,
            "GRAPHSVC_DATA_DIR": str(installation.data_dir),
            "GRAPHSVC_WORKERS": "1",  # several are in tests/api/test_processes.py
            **given,
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 600
        with httpx.Client(timeout=60) as asking:
            while time.monotonic() < deadline and served.poll() is None:
                try:
                    asking.get(f"{url}/readyz").raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
        yield Served(served, url, keys.create_key(installation.keys_dir, Role.ANALYST))
    finally:
        served.kill()
        served.wait()
        if served.stderr:
            served.stderr.close()


def drain(served: Served) -> None:
    """End the service while a request runs: it says that it drains, answers the request, and ends with 0."""
    port = int(served.url.rsplit(":", 1)[1])
    content = json.dumps({"query": "{ stats { accounts } }"}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=600) as running:
        running.sendall(
            f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert running.recv(65536).startswith(b"HTTP/1.1 100")  # it runs, and waits for its body
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        while (ready := httpx.get(f"{served.url}/readyz", timeout=60)).status_code == 200:
            time.sleep(0.05)
        assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
        while True:  # until it listens no more
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                time.sleep(0.05)
            except OSError:
                break
        assert time.monotonic() - began >= 2.9
        assert served.process.poll() is None  # a request still runs
        running.sendall(content)
        answer = b""
        while part := running.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"accounts":' in answer
    assert served.process.wait(timeout=600) == 0


def test_a_line_a_request_as_json_and_nothing_of_what_was_asked_and_an_end_that_loses_no_answer(
    database: Store, installation: Settings
) -> None:
    write(database, "published")
    with process(installation, drain_seconds="3") as served:
        headers = {"Authorization": f"Bearer {served.key}", "X-Request-Id": "tests-request-1"}
        body = {"query": ASKED, "variables": {"id": "a01"}}
        assert httpx.post(f"{served.url}/graphql", json=body, headers=headers).json()["data"]["account"]
        httpx.post(f"{served.url}/graphql?canary=canary", json={"query": "{ canary }"}, headers=headers)
        httpx.get(f"{served.url}/canary-path", headers=headers)
        drain(served)
        lines = [line for line in served.lines() if line.get("path") != "/readyz"]
    good, bad, unknown, last = lines
    assert good["event"] == "request"
    assert good["level"] == "info"
    assert (good["request_id"], good["method"], good["path"]) == ("tests-request-1", "POST", "/graphql")
    assert (good["status"], good["kind"], good["operation"], good["cost"]) == (200, "query", "Page", 1)
    assert good["principal"] == served.key.split(".")[0]
    assert good["ms"] > 0
    assert good["timestamp"].endswith("Z")
    assert (bad["kind"], bad["codes"]) == ("refused", ["bad_document"])
    assert "operation" not in bad
    assert (unknown["status"], unknown["path"]) == (404, "unknown")
    assert (last["status"], last["kind"]) == (200, "query")
    assert not secrets_in(json.dumps(lines), served.key)


def test_a_request_that_never_ends_does_not_hold_up_the_end_and_subscriptions_are_closed_with_a_code(
    database: Store, installation: Settings
) -> None:
    write(database, "published")
    with process(installation, drain_seconds="0", shutdown_seconds="1") as served:
        port = int(served.url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=600) as running:
            running.sendall(
                f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.key}\r\n"
                "Content-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert running.recv(65536).startswith(b"HTTP/1.1 100")
            with connect(
                served.url.replace("http", "ws") + "/graphql",
                subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
                additional_headers={"Authorization": f"Bearer {served.key}"},
            ) as socket_:
                socket_.send(json.dumps({"type": "connection_init"}))
                assert json.loads(socket_.recv(timeout=600))["type"] == "connection_ack"
                query = "subscription { clusterChanges { kind } }"
                socket_.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
                socket_.send(json.dumps({"type": "ping"}))
                assert json.loads(socket_.recv(timeout=600))["type"] == "pong"
                served.process.terminate()
                with pytest.raises(ConnectionClosed) as closed:
                    socket_.recv(timeout=600)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012  # service restart
            assert served.process.wait(timeout=600) == 0


def test_the_log_tells_an_exception_by_its_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    root, ours = logging.getLogger(), logging.getLogger("graphsvc")
    before, levels = root.handlers[:], (root.level, ours.level)
    try:
        for form in ("json", "text"):
            logs.configure_logging(form)  # type: ignore[arg-type]
            try:
                raise ValueError("canary")
            except ValueError:
                logging.getLogger("uvicorn.error").exception("It failed.")
            said = capsys.readouterr().err
            assert "It failed." in said
            assert "ValueError" in said
            assert "test_operations.py" in said
            assert "canary" not in said
    finally:
        root.handlers[:] = before
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
