"""Promise: probes, proxies and common GraphQL clients get what they expect.

No database is needed here: the app is pointed at a closed port. Apollo: "Automatic Persisted Queries"; the GraphQL
specification, section 6.1, and "GraphQL over HTTP".
"""

import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api import Api
from command import run_command
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bench.identity_provider import Provider
from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings, clean_root_path
from graphsvc.store import Address

ADDRESS = Address("bolt://127.0.0.1:1", "neo4j", SecretStr("not-the-password"))
TWO = "query One { viewer { role } } query Two { viewer { keyId } }"


@contextmanager
def served(directory: Path, at: str = "http://testserver", **more: Any) -> Iterator[Api]:
    settings = Settings(data_dir=directory, **more)
    key = keys.create_key(settings.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(settings, ADDRESS), base_url=at, follow_redirects=False) as client:
        yield Api(client, key)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with served(tmp_path) as api:
        yield api


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/graphql"])
def test_head_is_answered_as_get_is(api: Api, path: str) -> None:
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "text/html"}
    head, get = (api.client.request(method, path, headers=headers) for method in ("HEAD", "GET"))
    assert head.status_code == get.status_code
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["X-Content-Type-Options"] == "nosniff"


def test_a_pod_is_asked_for_metrics_by_its_address_and_for_nothing_else(api: Api) -> None:
    headers = {"Host": "10.42.0.17:8000", "Authorization": f"Bearer {api.key}"}
    answer = api.client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert "graphsvc_database_up 0.0" in answer.text
    assert api.client.get("/metrics", headers={"Host": "10.42.0.17:8000"}).status_code == 401
    assert api.client.get("/healthz", headers=headers).status_code == 200
    for path in ("/", "/graphql", "/metrics/", "/metrics2"):
        assert api.client.get(path, headers=headers).status_code == 421


@pytest.mark.parametrize("strips", [True, False])
@pytest.mark.parametrize("root", ["/graph", "/teams/trust/graph"])
def test_below_a_prefix_the_console_gets_all_it_loads(tmp_path: Path, root: str, strips: bool) -> None:
    with served(tmp_path, root_path=root) as api:

        def get(address: str, **headers: str) -> httpx.Response:
            """Ask as a browser does, through a proxy that takes the prefix off or leaves it."""
            path = httpx.URL(address).path
            assert path.startswith(f"{root}/"), address
            return api.client.get(path.removeprefix(root) if strips else path, headers=headers)

        at = f"http://testserver{root}/"
        page = get(at)
        assert page.status_code == 200
        needed = [link for link in re.findall(r'(?:src|href)="([^"]+)"', page.text) if link != "data:,"]
        assert len(needed) == 2
        for link in needed:
            assert get(str(httpx.URL(at).join(link))).status_code == 200, link
        graphiql = f"http://testserver{root}/graphql"
        page = get(graphiql, Accept="text/html")
        for link in re.findall(r'(?:src|href)="(graphiql/[^"]+)"', page.text):
            assert get(str(httpx.URL(graphiql).join(link))).status_code == 200, link
        assert get(f"{at}healthz", Host="10.0.0.1").status_code == 200
        assert get(f"{at}metrics", Host="10.0.0.1", Authorization=f"Bearer {api.key}").status_code == 200
        assert f"http://testserver{root}/browser/style.grass" in get(f"{at}browser/guide").text
        api.client.base_url = httpx.URL("http://testserver" if strips else f"http://testserver{root}")
        assert api.data("{ viewer { role } }") == {"viewer": {"role": "VIEWER"}}


def test_a_prefix_without_its_slash_leads_to_the_page(tmp_path: Path) -> None:
    with served(tmp_path, root_path="/graph") as api:
        answer = api.client.get("/graph")
        assert (answer.status_code, answer.headers["Location"]) == (307, "/graph/")
        assert api.client.get("/graphs").status_code == 404


def test_signing_in_stays_below_the_prefix(tmp_path: Path) -> None:
    provider = Provider()
    more = {
        "root_path": "/graph", "oidc_issuer": provider.issuer, "oidc_audience": "graphsvc",
        "oidc_roles": "triage=analyst", "oidc_client_id": "console", "oidc_jwks_url": f"{provider.issuer}/keys",
    }  # fmt: skip
    try:
        with served(tmp_path, "http://127.0.0.1:8000", **more) as api:
            begun = api.client.get("/graph/sign-in", params={"tab": "A" * 43})
            assert begun.status_code == 303
            there = httpx.URL(begun.headers["Location"])
            assert there.params["redirect_uri"] == "http://127.0.0.1:8000/graph/sign-in/callback"
            assert "Path=/graph/sign-in;" in begun.headers["Set-Cookie"]
            back = api.client.get("/graph/sign-in/callback", params={"state": "x", "code": "y"})
            assert back.headers["Location"].startswith("/graph/#/sign-in?refused=")
    finally:
        provider.close()


segments = st.lists(st.from_regex(r"[A-Za-z0-9_~-]{1,6}", fullmatch=True), max_size=3)


@given(segments, st.sampled_from(["", "/"]), st.sampled_from(["", "/"]))
def test_a_prefix_is_one_however_its_slashes_are_written(parts: list[str], before: str, after: str) -> None:
    wanted = "".join(f"/{part}" for part in parts)
    assert clean_root_path(before + "/".join(parts) + after) == wanted
    assert clean_root_path(wanted) == wanted


@pytest.mark.parametrize("wrong", ["/a b", "/../x", "/ä", "https://graph.example/x", "/a?b", "/."])
def test_what_is_no_prefix_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path, root_path=wrong)
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path))
    done = run_command("serve", "--root-path", wrong)
    assert (done.returncode, "--root-path" in done.stderr) == (2, True)


def test_several_operations_need_a_name(api: Api) -> None:
    def ask(**body: object) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {api.key}"}
        return dict(api.client.post("/graphql", json={"query": TWO, **body}, headers=headers).json())

    for name in (None, "Two", None):  # a document that was found good is not looked at again
        answer = ask(operationName=name)
        if name is None:
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "bad_document"
            assert error["message"] == "Must provide operation name if query contains multiple operations."
            assert answer["data"] is None
        else:
            assert list(answer["data"]["viewer"]) == ["keyId"]
    assert ask()["errors"][0]["extensions"]["code"] == "bad_document"
    assert "errors" in ask(operationName="Three")
    assert api.data("query One { viewer { role } }")


def test_apollos_handshake_is_answered_so_that_its_client_sends_the_text(api: Api) -> None:
    text = "{ viewer { role } }"
    hashed = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    headers = {"Authorization": f"Bearer {api.key}"}
    first = {"operationName": None, "variables": {}, "extensions": hashed}
    for body in (first, {**first, "query": None}, {**first, "query": ""}):
        answer = api.client.post("/graphql", json=body, headers=headers)
        assert answer.status_code == 200
        (error,) = answer.json()["errors"]
        assert error["message"] == "PersistedQueryNotSupported"
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"
    again = api.client.post("/graphql", json={**first, "query": text}, headers=headers)
    assert again.json()["data"] == {"viewer": {"role": "VIEWER"}}
    assert api.client.post("/graphql", json=first).status_code == 401
    by_get = api.client.get(
        "/graphql", params={"extensions": '{"persistedQuery": {"version": 1}}'}, headers=headers
    )
    assert (by_get.status_code, by_get.json()["errors"][0]["message"]) == (200, "PersistedQueryNotSupported")
    with_text = {"query": text, "extensions": '{"persistedQuery": {"version": 1}}'}
    assert api.client.get("/graphql", params=with_text, headers=headers).status_code == 405


def test_the_handshake_over_a_websocket_closes_it_and_nothing_else(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    with api.client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers) as websocket:
        websocket.send_json({"type": "connection_init"})
        assert websocket.receive_json()["type"] == "connection_ack"
        payload = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
        websocket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        closed = websocket.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert api.data("{ viewer { role } }")


def test_head_has_no_body_on_the_wire(tmp_path: Path) -> None:
    from serving import served_over_http

    settings = Settings(data_dir=tmp_path)
    store: Any = type("Pointed", (), {"address": ADDRESS})
    with served_over_http(store, settings) as url:
        host, port = url.removeprefix("http://").split(":")
        for path in ("/", "/healthz", "/readyz"):
            with socket.create_connection((host, int(port)), 10) as wire:
                wire.sendall(f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: wire.recv(65536), b""))
            status, _, body = answer.partition(b"\r\n\r\n")
            assert status.split()[1] in (b"200", b"503")
            assert body == b""
