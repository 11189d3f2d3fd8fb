"""Promise: nobody sees or spends more than they may, and no error says more than it must.

No database is needed here: the app is pointed at a closed port.
"""

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from api import Api
from fastapi.testclient import TestClient
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.websockets import WebSocketDisconnect

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.errors import BadInput, TooExpensive
from graphsvc.api.http.request_guard import MAX_BODY_BYTES
from graphsvc.api.operations import limits
from graphsvc.api.operations.limits import Budget, check_shape
from graphsvc.api.schema import build_schema
from graphsvc.api.types.pagination import decode_cursor, encode_cursor
from graphsvc.settings import Settings
from graphsvc.store import Address
from graphsvc.store.reader import Reader


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with socket.socket() as closed:  # bound and not listening, so nobody else can take it meanwhile
        closed.bind(("127.0.0.1", 0))
        address = Address(
            f"bolt://127.0.0.1:{closed.getsockname()[1]}", "neo4j", SecretStr("not-the-password")
        )
        settings = Settings(data_dir=tmp_path)
        key = keys.create_key(settings.keys_dir, keys.Role.VIEWER)
        with TestClient(create_app(settings, address)) as client:
            yield Api(client, key)


def test_a_database_that_is_away_is_a_503_with_a_code(api: Api) -> None:
    answer = api.post("{ stats { accounts } }")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "database_unavailable"
    assert "not-the-password" not in answer.text
    ready = api.client.get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "database_unavailable")
    assert api.client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a.b"},
        {"Authorization": "Basic x"},
    ],
)
@pytest.mark.parametrize("query", ["{ viewer { keyId } }", "{ __schema { types { name } } }", "{", ""])
def test_without_a_valid_key_there_is_no_answer(api: Api, headers: dict[str, str], query: str) -> None:
    answer = api.client.post("/graphql", json={"query": query}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "access_denied", "requestId": answer.headers["X-Request-Id"]}


def test_a_new_key_works_and_a_revoked_one_does_not_without_a_restart(api: Api, tmp_path: Path) -> None:
    fresh = Api(api.client, keys.create_key(tmp_path / "keys", keys.Role.ANALYST))
    assert fresh.data("{ viewer { role } }") == {"viewer": {"role": "ANALYST"}}
    keys.revoke_key(tmp_path / "keys", fresh.key.split(".")[0])
    assert fresh.post("{ viewer { role } }").status_code == 401


def test_a_websocket_with_a_wrong_key_is_refused(api: Api) -> None:
    headers = {"Authorization": "Bearer a.b"}
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        api.client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers),
    ):
        pass
    assert caught.value.code == 1008


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_input"),
        (b"[]", 400, "bad_input"),
        (b"{}", 400, "bad_input"),
        (b'{"query": 1}', 400, "bad_input"),
        (b'{"query": "{ viewer { keyId } }", "variables": 1}', 400, "bad_input"),
        (b"\xff\xfe", 400, "bad_input"),
        (b"[" * 60_000, 400, "bad_input"),
        (
            b'{"query": "query Q($id: String!) { run(id: $id) { id } }", "variables": {"id": "\\ud800"}}',
            400,
            "bad_input",
        ),
        (b'{"query": "mutation { x }"}', 200, "bad_document"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "body_too_large"),
    ],
)
def test_what_is_no_graphql_request_is_refused_in_its_shape(
    api: Api, content: bytes, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    answer = api.client.post("/graphql", content=content, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


def test_a_body_that_does_not_say_its_length_is_capped_too(api: Api) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    answer = api.client.post("/graphql", content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "body_too_large")


def test_queries_by_get_and_unknown_paths_are_refused(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "text/html"}
    answer = api.client.get("/graphql", params={"query": "{ viewer { keyId } }"}, headers=headers)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    for path in ("/docs", "/redoc", "/openapi.json", "/nothing", "/graphiql/../app.py"):
        assert api.client.get(path).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { keyIdd } }",
        "{ clusterz { x } }",
        '{ cluster(idd: "x") { id } }',
        "{ clusters(orderBy: {field: SCOR}) { edges { cursor } } }",
    ],
)
def test_no_error_guesses_what_was_meant(api: Api, query: str) -> None:
    text = api.post(query).text
    assert "bad_document" in text
    assert "Did you mean" not in text


def test_introspection_works_for_a_key(api: Api) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert api.data(query)["__schema"]["queryType"]["name"] == "Query"


def test_every_type_field_and_argument_is_described() -> None:
    schema = build_schema()._schema
    missing = []
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not kind.description:
            missing.append(name)
        for part_name, part in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            if not part.description:
                missing.append(f"{name}.{part_name}")
            missing += [
                f"{name}.{part_name}({a})"
                for a, argument in getattr(part, "args", {}).items()
                if not argument.description
            ]
    assert not missing


SPREADS = "query Bomb { ...F0 } " + " ".join(
    f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} ...F{i + 1} }}" for i in range(60)
)
HOSTILE = {
    "spreads": SPREADS + " fragment F60 on Query { viewer { keyId } }",
    "cycle": "query Bomb { ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "deep": "{ a " * 80 + "}" * 80,
    "aliases": "{" + " ".join(f"a{i}: stats {{ accounts }}" for i in range(100)) + "}",
    "aliases in fragments": "{ ...A } fragment A on Query { ...B ...B ...B ...B } fragment B on Query {"
    + " ".join(f"a{i}: stats {{ accounts }}" for i in range(8))
    + "}",
    "repeats": "{" + "viewer { keyId } " * 240 + "}",
    "directives": "{ viewer { keyId " + "@skip(if: false) " * 100 + "} }",
    "tokens": "{" + " viewer" * 3000 + "}",
    "nested list": "{ clusters(filter: {families: " + "[" * 400 + "]" * 400 + "}) { edges { cursor } } }",
    "nested fields": "{ a" * 480,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_soon(api: Api, name: str) -> None:
    api.post("{ viewer { keyId } }")  # the first request pays for what is set up once
    began = time.process_time()  # what others on the machine do is not counted
    error = api.error(HOSTILE[name])
    assert time.process_time() - began < 2.0  # some 20 ms; a guard, not a benchmark
    assert error["extensions"]["code"] in ("too_expensive", "bad_document")


names = st.sampled_from(["F0", "F1", "F2", "F3"])
selections = st.recursive(
    st.sampled_from(["a", "b: a", "a @skip(if: true)"]) | names.map(lambda name: f"...{name}"),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: "a { " + " ".join(parts) + " }"),
    max_leaves=8,
)


@given(st.lists(selections, min_size=1, max_size=4), st.lists(selections, min_size=4, max_size=4))
def test_the_shape_is_what_spreading_by_hand_gives(roots: list[str], fragments: list[str]) -> None:
    # Only later fragments may be spread, so there is no cycle.
    bodies = []
    for i, fragment in enumerate(fragments):
        for j in range(i + 1):
            fragment = fragment.replace(f"...F{j}", "a")  # noqa: PLW2901
        bodies.append(fragment)
    document = (
        "{ "
        + " ".join(roots)
        + " } "
        + " ".join(f"fragment F{i} on Q {{ {b} }}" for i, b in enumerate(bodies))
    )
    spread = " ".join(roots)
    for i, body in enumerate(bodies):
        spread = spread.replace(f"...F{i}", body)
    tokens = spread.replace("@skip(if: true)", "@").split()
    depth = height = 0
    for token in tokens:
        height += (token == "{") - (token == "}")
        depth = max(depth, height + 1)
    expected = (depth, tokens.count("a"), tokens.count("b:"), tokens.count("@"))
    shapes = limits._Shapes(parse(document))
    (operation, *_) = parse(document).definitions
    assert tuple(shapes.measure_selections(operation.selection_set, 0)) == expected  # type: ignore[attr-defined]


def test_the_limits_leave_room_for_real_documents() -> None:
    assert check_shape(parse(get_introspection_query(input_value_deprecation=True))) is None


@pytest.mark.parametrize("first", [-1, 0, limits.MAX_FIRST + 1, 2_000_000_000])
@pytest.mark.parametrize("field", ["clusters(first: %d)", "runs(first: %d)"])
def test_a_page_beyond_the_cap_is_refused_readably(api: Api, first: int, field: str) -> None:
    error = api.error("{ " + field % first + " { edges { cursor } } }")
    assert error["extensions"]["code"] == "bad_input"
    assert f"from 1 to {limits.MAX_FIRST}" in error["message"]


def test_a_budget_is_spent_before_anything_is_asked() -> None:
    budget = Budget()
    for _ in range(limits.MAX_COST // limits.MAX_FIRST):
        budget.charge_page(limits.MAX_FIRST)
    assert budget.left == 0
    with pytest.raises(TooExpensive):
        budget.charge_page(1)


@given(
    st.text(max_size=20),
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)),
)
def test_a_cursor_gives_back_its_key(scope: str, key: tuple[float, str]) -> None:
    assert decode_cursor(scope, encode_cursor(scope, key), (0.0, "")) == key


@given(
    st.text(max_size=60)
    | st.just(encode_cursor("other", (0.0, "")))
    | st.just(encode_cursor("list", ("", 0.0)))
    | st.just(encode_cursor("list", (0.0, "\ud800")))
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput):
        decode_cursor("list", cursor, (0.0, ""))


def test_a_bad_cursor_is_told(api: Api) -> None:
    error = api.error('{ runs(after: "nonsense") { edges { cursor } } }')
    assert error["extensions"]["code"] == "bad_input"


def test_an_unforeseen_error_is_masked_with_the_id_of_its_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planted = "canary jane@example.com"

    async def broken(self: Reader, name: str, **parameters: object) -> object:
        raise RuntimeError(planted)  # a traceback quotes the line, so the value is not in it

    monkeypatch.setattr(Reader, "read_rows", broken)
    with caplog.at_level(logging.DEBUG):
        answer = api.post("{ stats { accounts } }")
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "internal", "requestId": answer.headers["X-Request-Id"]}
    assert answer.headers["X-Request-Id"] in caplog.text
    assert planted not in answer.text + caplog.text


def test_arguments_are_not_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="graphsvc"):
        api.post('{ account(id: "canary-account") { id } }')
        api.post("query Q($x: Int!) { clusters(first: $x) { edges { cursor } } }", x="canary-account")
    assert "canary-account" not in json.dumps(
        [record.getMessage() for record in caplog.records if record.name.startswith("graphsvc")]
    )
