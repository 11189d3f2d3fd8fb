"""Promise: no document that fits the schema, whatever its arguments, makes the service fail."""

import socket
import threading
import time
from collections.abc import Iterator
from importlib import import_module

import pytest
import uvicorn
from api import write
from hostile import SCALARS
from hypothesis import HealthCheck, Phase, given, seed, settings
from requests import Session

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store

WRITES = ("startDetection",)
"""Left out: starts a process of its own."""


@pytest.fixture
def live(database: Store, installation: Settings) -> Iterator[tuple[str, str]]:
    """Address of a running service over the published graph, and a key of an admin."""
    # Before the service has a thread: two that compile at once break the compiler of CPython 3.11 (gh-106905).
    import_module("schemathesis")
    write(database, "published")
    plenty = "1000000000/minute"
    configured = installation.model_copy(update={"rate_limit": plenty, "client_rate_limit": plenty})
    key = keys.create_key(configured.keys_dir, keys.Role.ADMIN)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(configured, database.address), log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql", key
    server.should_exit = True
    thread.join()


def fuzz(url: str, key: str, examples: int) -> int:
    """Asks every field of queries and mutations with `examples` made-up documents; returns how many were asked."""
    import schemathesis  # three seconds, which processes that run other tests need not pay

    for scalar, literals in SCALARS.items():
        schemathesis.graphql.scalar(scalar, literals)
    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.graphql.from_url(url, headers=headers)
    asked = 0
    with Session() as session:
        session.headers.update(headers)
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.label.rsplit(".", 1)[1] in WRITES:
                continue

            @seed(20260304)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def ask(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                answer = case.call(session=session)
                assert answer.status_code < 500, case.body
                codes = [error["extensions"]["code"] for error in answer.json().get("errors", ())]
                assert not {"internal", "database_refused", "database_unavailable"} & set(codes), case.body

            ask()
    return asked


def test_documents_that_fit_the_schema_never_make_it_fail(live: tuple[str, str]) -> None:
    assert fuzz(*live, examples=4) > 100


@pytest.mark.slow
def test_many_documents_that_fit_the_schema_never_make_it_fail(live: tuple[str, str]) -> None:
    assert fuzz(*live, examples=60) > 1_000
