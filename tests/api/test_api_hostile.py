"""Promise: a hostile request is refused, in some 50 ms of CPU at most, whatever it is made of, and never by a failure.

No database is needed for a refusal: the app is pointed at a closed port.
"""

import math
import time
from collections.abc import Callable, Iterator

import pytest
from api import Api
from fastapi.testclient import TestClient
from graphql import GraphQLSchema, print_schema
from hostile import BODIES, DOCUMENTS, HARMLESS, JSON, SCALARS
from httpx import Response
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries
from pydantic import SecretStr

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.operations.limits import MAX_COST
from graphsvc.api.schema import build_schema
from graphsvc.settings import Settings
from graphsvc.store import Address

MOST = 0.1
"""Seconds of CPU that a refusal may take, client and all, on a machine that is itself (see `compute_bound`).

The dearest (60 kB of names, which the lexer reads letter by letter) takes .045 s on an idle machine. What this is to
find takes seconds. Neighbours that use the same caches slow a parser down more than they slow the yardstick.
"""
YARDSTICK = 0.012
"""Seconds of CPU that the work of `compute_bound` takes on such a machine."""
TRIES = 5
SCHEMA: GraphQLSchema = build_schema()._schema


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    plenty = "1000000000/minute"
    where = tmp_path_factory.mktemp("hostile")
    configured = Settings(data_dir=where, rate_limit=plenty, client_rate_limit=plenty)
    key = keys.create_key(configured.keys_dir, keys.Role.ADMIN)
    with TestClient(
        create_app(configured, Address("bolt://127.0.0.1:9", "neo4j", SecretStr("unused"))),
        raise_server_exceptions=False,
    ) as client:
        api = Api(client, key)
        for _ in range(3):
            api.data("{ viewer { keyId } }")  # the first requests pay for what is set up once
        yield api


def post(api: Api, content: bytes, content_type: str) -> Response:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": content_type}
    return api.client.post("/graphql", content=content, headers=headers)


def refused(answer: Response) -> str:
    """The code of a refusal."""
    assert 200 <= answer.status_code < 500, answer.text
    body = answer.json()
    assert body.get("data") is None, answer.text
    code: str = body["errors"][0]["extensions"]["code"]
    assert code != "internal", answer.text
    assert len(answer.content) < 64 * 1024
    assert "Did you mean" not in answer.text
    return code


def compute_bound() -> float:
    """Compute `MOST` for the machine as it is now: neighbours on its cores make every second of CPU do less."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        assert sum(len(str(number)) for number in range(100_000)) == 488_890
        taken.append(time.process_time() - began)
    return MOST * max(1.0, sorted(taken)[1] / YARDSTICK)


def measure(ask: Callable[[], Response]) -> tuple[float, Response]:
    """Return the seconds of CPU that an answer took, of all threads, and the answer."""
    began = time.process_time()
    answer = ask()
    return time.process_time() - began, answer


def ask_until_soon(ask: Callable[[], Response]) -> list[Response]:
    """Check that an answer is soon, and return all that there were until one was.

    Other work on the machine adds to a time (caches, shared cores) and takes nothing away: one of `TRIES` is enough.
    """
    fewest, answers = math.inf, list[Response]()
    while fewest > MOST and len(answers) < TRIES:
        seconds, answer = measure(ask)
        fewest = min(fewest, seconds)
        answers.append(answer)
    assert fewest <= MOST or fewest <= compute_bound()
    return answers


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_refused_soon(api: Api, name: str) -> None:
    answers = ask_until_soon(lambda: api.post(DOCUMENTS[name]))
    assert {refused(answer) for answer in answers} <= {
        "too_expensive",
        "bad_document",
        "bad_input",
        "forbidden",
    }


@pytest.mark.parametrize("name", HARMLESS)
def test_a_document_that_looks_hostile_costs_no_more(api: Api, name: str) -> None:
    answers = ask_until_soon(lambda: api.post(HARMLESS[name]))
    for answer in answers:
        assert answer.status_code in (200, 503)  # the database is away
        assert "internal" not in answer.text


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_request_is_refused_soon(api: Api, name: str) -> None:
    content_type, content = BODIES[name]
    answers = ask_until_soon(lambda: post(api, content, content_type))
    known = {"too_expensive", "bad_document", "bad_input", "body_too_large", "unknown_document"}
    known |= {"PERSISTED_QUERY_NOT_SUPPORTED"}  # as Apollo spells it
    assert {refused(answer) for answer in answers} <= known


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_post_asks(api: Api, method: str) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = api.client.request(method, "/graphql?query={viewer{keyId}}", headers=headers)
    assert answer.status_code == 405
    assert "VIEWER" not in answer.text


def test_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{len(DOCUMENTS)} hostile documents and {len(BODIES)} other hostile requests")
    assert len(DOCUMENTS) >= 60


@seed(20260301)
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(document=st.deferred(lambda: queries(print_schema(SCHEMA), custom_scalars=SCALARS)))
def test_documents_that_fit_the_schema_never_fail(api: Api, document: str) -> None:
    answer = api.post(document)
    assert answer.status_code in (200, 503)  # the database is away
    for error in answer.json().get("errors", []):
        assert error["extensions"]["code"] != "internal", document
    assert answer.json()["extensions"]["cost"]["limit"] == MAX_COST


TOKENS = r'''{ } ( ) [ ] : $ @ ! = ... on query mutation fragment A B viewer clusters edges node id first 1 -1 true
"x" """y""" $v @skip __schema __type types fields name # & | \u0000 é'''
PARTS = st.lists(st.sampled_from([*TOKENS.split(), "\n", "\ufeff"]), max_size=400)


@seed(20260302)
@given(parts=PARTS)
def test_heaps_of_tokens_never_fail(api: Api, parts: list[str]) -> None:
    for _ in range(TRIES):  # other work on the machine can spoil a try
        seconds, answer = measure(lambda: api.post(" ".join(parts)))
        assert answer.status_code in (200, 400)
        if seconds <= 2 * MOST or seconds <= 2 * compute_bound():
            return
    pytest.fail(f"each of {TRIES} tries took more than {2 * MOST} s, the last {seconds:.3f} s")


@seed(20260303)
@given(
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_bytes_never_fail(api: Api, content: bytes) -> None:
    assert refused(post(api, content, JSON)) == "bad_input"
