"""Promise: nobody spends more than they may, the service takes on no more than it can do, and both are said plainly."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from api import Api, examples, write
from fastapi.testclient import TestClient
from graphql import parse
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.rate_limits import REFUSED_COSTS, RateLimits
from graphsvc.api.operations import operation
from graphsvc.api.operations.limits import MAX_COST
from graphsvc.api.operations.operation import Documents
from graphsvc.api.operations.persisted import load_documents
from graphsvc.api.schema import build_schema
from graphsvc.api.services import get_services
from graphsvc.errors import Busy, SettingsError, TimedOut
from graphsvc.settings import Settings
from graphsvc.store import Address, Store
from graphsvc.store.reader import Reader

NOWHERE = Address("bolt://127.0.0.1:9", "neo4j", SecretStr("unused"))
VIEWER = "{ viewer { keyId } }"
Serving = Callable[..., AbstractContextManager[Api]]


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    """Serves with some settings and no database."""

    @contextmanager
    def serve(**given: Any) -> Iterator[Api]:
        settings = Settings(data_dir=tmp_path, **given)
        key = keys.create_key(settings.keys_dir, keys.Role.VIEWER)
        with TestClient(create_app(settings, NOWHERE)) as client:
            yield Api(client, key)

    return serve


def code(answer: Any) -> str:
    (error,) = answer.json()["errors"]
    return str(error["extensions"]["code"])


def test_a_principal_spends_rows_and_is_told_when_there_are_more(serving: Serving, tmp_path: Path) -> None:
    with serving(rate_limit="5/hour") as api:
        for _ in range(5):
            assert api.post(VIEWER).status_code == 200
        answer = api.post(VIEWER)
        assert (answer.status_code, code(answer)) == (429, "rate_limited")
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        assert answer.json()["data"] is None
        other = Api(api.client, keys.create_key(tmp_path / "keys", keys.Role.VIEWER))
        assert other.post(VIEWER).status_code == 200  # everybody has their own


def test_pages_are_charged_by_their_rows_as_the_budget_is(serving: Serving) -> None:
    with serving(rate_limit="300/hour") as api:
        page = "{ runs(first: 200) { edges { cursor } } }"
        assert api.post(page).status_code == 503  # charged, and then the database is away
        answer = api.post(page)
        assert (answer.status_code, code(answer)) == (429, "rate_limited")


def test_an_end_of_the_window_is_the_end_of_the_refusal(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(rate_limit="1/minute") as api:
        assert [api.post(VIEWER).status_code for _ in range(3)] == [200, 429, 429]
        later = SimpleNamespace(monotonic_ns=lambda: time.monotonic_ns() + 61 * 10**9)
        monkeypatch.setattr("graphsvc.api.http.windows.time", later)
        assert api.post(VIEWER).status_code == 200


def test_an_address_is_limited_before_anybody_is_known(serving: Serving) -> None:
    with serving(client_rate_limit="4/hour") as api:
        for _ in range(4):
            assert api.client.get("/graphql", headers={"Accept": "text/html"}).status_code == 200
        answer = api.client.get("/graphql", headers={"Accept": "text/html"})
        assert (answer.status_code, code(answer)) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) > 3500
        # Those with a key are counted for themselves.
        assert [api.post(VIEWER).status_code for _ in range(5)] == [200] * 4 + [429]
        assert api.client.get("/healthz").status_code == 200  # whoever watches over the service asks on


def test_wrong_keys_cannot_be_tried_at_will(serving: Serving) -> None:
    with serving(client_rate_limit=f"{5 * (REFUSED_COSTS + 1)}/hour") as api:
        wrong = Api(api.client, "nobody.nothing")
        assert [wrong.post(VIEWER).status_code for _ in range(7)] == [401] * 5 + [429] * 2


def test_ipv6_addresses_are_counted_by_the_network_of_a_host(tmp_path: Path) -> None:
    rates = RateLimits(Settings(data_dir=tmp_path, client_rate_limit="2/hour"))
    rates.count_request("2001:db8::1")
    rates.count_request("2001:db8::2:3")
    rates.count_request("2001:db8:0:1::1")
    with pytest.raises(Exception, match="too many"):
        rates.count_request("2001:db8::4")


@pytest.mark.parametrize("rate", ["many", "10", "10/fortnight", ""])
def test_a_rate_that_is_none_is_refused_at_the_start(tmp_path: Path, rate: str) -> None:
    with pytest.raises(SettingsError, match="GRAPHSVC_RATE_LIMIT is no rate"):
        RateLimits(Settings(data_dir=tmp_path, rate_limit=rate))


def test_every_answer_says_what_it_cost(serving: Serving) -> None:
    with serving() as api:
        cost = {"spent": 1, "limit": MAX_COST}
        assert api.post(VIEWER).json()["extensions"] == {"cost": cost}
        assert api.post("{ nothing }").json()["extensions"] == {"cost": cost}
        schema = api.post("{ __schema { queryType { name __typename } } }").json()["extensions"]["cost"]
        assert schema["spent"] == 1 + operation.INTROSPECTION
        page = api.post("{ runs(first: 7) { edges { cursor } } }").json()["extensions"]["cost"]
        assert page["spent"] == 8


def test_the_gate_lets_few_through_has_some_wait_and_sends_the_rest_away() -> None:
    async def run() -> tuple[int, int, int]:
        gate, inside, most, busy = ConcurrencyLimit(2, 3, 5.0), 0, 0, 0
        release = asyncio.Event()

        async def request() -> None:
            nonlocal inside, most, busy
            try:
                async with gate.enter("a") as entry, entry.wait_for_turn(1):
                    inside += 1
                    most = max(most, inside)
                    await release.wait()
                    inside -= 1
            except Busy:
                busy += 1

        tasks = [asyncio.create_task(request()) for _ in range(9)]
        await asyncio.sleep(0.01)
        release.set()
        await asyncio.gather(*tasks)
        return most, busy, gate.inside

    assert asyncio.run(run()) == (2, 4, 0)


def test_waiting_and_doing_end_at_the_timeout() -> None:
    async def run() -> None:
        gate = ConcurrencyLimit(1, 1, 0.05)

        async def request() -> None:
            async with gate.enter("a") as entry, entry.wait_for_turn(1):
                await asyncio.sleep(10)

        results = await asyncio.gather(request(), request(), return_exceptions=True)
        assert [type(result) for result in results] == [TimedOut, TimedOut]
        assert gate.inside == 0

    asyncio.run(run())


def test_a_request_that_takes_too_long_is_ended_with_a_code(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: Reader, name: str, **parameters: object) -> list[dict[str, Any]]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(Reader, "read_rows", slow)
    with serving(request_timeout=1.0) as api:
        answer = api.post("{ stats { accounts } }")
        assert (answer.status_code, code(answer)) == (503, "timed_out")
        # Time enough for a request that is not slow, however busy the machine is.
        monkeypatch.setattr(get_services(api.client.app).concurrency_limit, "_timeout", 60.0)
        assert api.data(VIEWER)


def test_a_service_that_is_full_says_so(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(requests_at_once=1, requests_waiting=0) as api:
        gate: ConcurrencyLimit = get_services(api.client.app).concurrency_limit
        monkeypatch.setattr(gate, "inside", 1)  # as one that is under way
        answer = api.post(VIEWER)
        assert (answer.status_code, code(answer)) == (503, "busy")


def test_the_front_ends_documents_are_known_by_their_hash(serving: Serving) -> None:
    with serving() as api:
        headers = {"Authorization": f"Bearer {api.key}"}
        for document in load_documents():
            assert document.id.startswith("sha256:")
            assert parse(document.text).definitions[0].name.value.lower() == document.name  # type: ignore[attr-defined]
            answer = api.client.post("/graphql", json={"documentId": document.id}, headers=headers)
            assert answer.status_code in (200, 503)
            assert {error["extensions"]["code"] for error in answer.json()["errors"]} <= {
                "bad_document",  # a variable is missing
                "database_unavailable",
                "forbidden",  # to a viewer
            }
        unknown = api.client.post("/graphql", json={"documentId": "sha256:0"}, headers=headers)
        assert (unknown.status_code, code(unknown)) == (404, "unknown_document")
        assert api.data(VIEWER)


def test_every_document_of_the_front_end_fits_the_schema(caplog: pytest.LogCaptureFixture) -> None:
    kept = Documents()
    kept.prepare_documents(build_schema())
    assert not caplog.messages
    assert len(load_documents()) >= 9
    assert all(kept.is_own(document.text) for document in load_documents())


def test_where_only_the_front_end_asks_nothing_else_is_executed(serving: Serving) -> None:
    with serving(persisted_only=True) as api:
        headers = {"Authorization": f"Bearer {api.key}"}
        for query in (VIEWER, "{ __schema { types { name } } }", "mutation { __typename }"):
            assert api.error(query)["extensions"]["code"] == "persisted_only"
        runs = next(document for document in load_documents() if document.name == "runs")
        answer = api.client.post("/graphql", json={"documentId": runs.id}, headers=headers)
        assert answer.json()["errors"][0]["extensions"]["code"] == "database_unavailable"


def test_good_documents_are_kept_and_refused_ones_are_not(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[int] = []
    check_shape = operation.check_shape
    with serving() as api:
        monkeypatch.setattr(
            operation,
            "check_shape",
            lambda document: walked.append(1) or check_shape(document),  # type: ignore[func-returns-value]
        )
        for _ in range(3):
            assert api.data("query Once { viewer { keyId } }")
        assert len(walked) == 1
        deep = "{ viewer { " + "... { " * 3 + "keyId @skip(if: false) " * 40 + "} } } } }"
        for _ in range(3):
            assert api.error(deep)["extensions"]["code"] == "too_expensive"
        assert len(walked) == 4


def test_a_kept_document_is_charged_each_time_by_its_variables(serving: Serving) -> None:
    query = "query Page($first: Int!) { runs(first: $first) { edges { cursor } } }"
    with serving() as api:
        for first, spent in ((1, 2), (200, 201), (3, 4)):
            assert api.post(query, first=first).json()["extensions"]["cost"]["spent"] == spent
        assert api.error(query, first=201)["extensions"]["code"] == "bad_input"


def test_no_more_documents_are_kept_than_there_is_room_for() -> None:
    kept = Documents()
    kept.prepare_documents(build_schema())
    for number in range(operation.KEPT + 50):
        kept.keep(f"{{ a{number}: viewer {{ keyId }} }}", parse(VIEWER))
        kept.get("{ a0: viewer { keyId } }")  # asked for again and again, so it stays
    assert len(kept._kept) == operation.KEPT
    assert kept.get("{ a0: viewer { keyId } }") is not None
    assert kept.get("{ a1: viewer { keyId } }") is None
    assert all(kept.get(document.text) is not None for document in load_documents())


def statements(registry: CollectorRegistry) -> dict[str, float]:
    """How often each Cypher statement ran, by name; those of readings and those of workers' stores."""
    return {
        sample.labels["statement"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "graphsvc_statement_seconds_count"
    }


VARIABLES: dict[str, dict[str, Any]] = {
    "account": {"id": "a01"},
    "cluster": {"id": "c-large"},
    "evidence": {"id": "c-large"},
    "signal": {"key": "email_domain:example.com"},
    "search": {"text": "a01"},
    "ego": {"account": "a01"},
    "graph": {"cluster": "c-large"},
}
PAGED = [document for document in load_documents() if document.name in {*VARIABLES, "clusters", "runs"}]


@pytest.mark.parametrize("document", PAGED, ids=lambda document: document.name)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    database: Store, installation: Settings, document: Any
) -> None:
    write(database, "published")
    key = keys.create_key(installation.keys_dir, keys.Role.ANALYST)
    counts = []
    with TestClient(create_app(installation, database.address)) as client:
        api = Api(client, key)
        registry = get_services(client.app).metrics.registry
        variables = VARIABLES.get(document.name, {})
        sizes: list[dict[str, int]] = [{}]
        if "$first" in document.text:
            sizes = [{"first": 1}, {"first": 50}]
        elif "$nodes" in document.text:
            sizes = [{"nodes": 10}, {"nodes": 500}]
        for size in [*sizes, *sizes]:
            if len(counts) == len(sizes):
                write(database, "more_clusters")
            before = statements(registry)
            data = api.data(document.text, **variables, **size)
            assert any(data.values()), data
            after = statements(registry)
            counts.append({name: count - before.get(name, 0) for name, count in after.items()})
    few, *others = [{name: count for name, count in each.items() if count} for each in counts]
    assert few
    for many in others:
        assert sum(many.values()) <= sum(few.values()) + 1  # a page of more than one row may need one more
        assert max(many.values()) <= max(few.values()) + 1


def test_every_query_of_the_page_works(database: Store, installation: Settings) -> None:
    write(database, "published")
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(installation, database.address)) as client:
        (data,) = examples(Api(client, key), "limits", first=20)
    assert data["runs"]["edges"]
