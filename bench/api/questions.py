"""What is asked: the front end's own documents with seeded variables, and the statements behind each answer."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from bench.api.book import Book, Service
from graphsvc.api.app import create_app
from graphsvc.api.operations.persisted import load_documents
from graphsvc.store import Store
from graphsvc.store.reader import Reader

SAMPLES = 40
"""Different variables a question is asked with, in turn."""
SEED = 7

Statement = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """`bodies` are JSON requests; `behind` are for each the statements that the service ran for it, with parameters."""

    name: str
    bodies: tuple[bytes, ...]
    behind: tuple[tuple[Statement, ...], ...]
    bytes_answered: int


def questions(book: Book, service: Service) -> list[Question]:
    """The five questions of the front end, each with up to `SAMPLES` seeded variables."""
    with book.store() as store:
        clusters, accounts, texts = _samples(store)
    asked: list[tuple[str, str, Sequence[dict[str, Any]]]] = [
        ("cluster list (50)", "clusters", [{"first": 50}]),
        ("cluster page", "cluster", [{"id": each} for each in clusters]),
        ("account page", "account", [{"id": each} for each in accounts]),
        ("ego graph (500 nodes)", "ego", [{"account": each, "nodes": 500} for each in accounts]),
        ("search", "search", [{"text": each} for each in texts]),
    ]
    ids = {document.name: document.id for document in load_documents()}
    with TestClient(create_app(book.settings, service.database), base_url="http://127.0.0.1") as client:
        return [_question(client, service.key, name, ids[document], many) for name, document, many in asked]


def _question(
    client: TestClient, key: str, name: str, document: str, many: Sequence[dict[str, Any]]
) -> Question:
    bodies, behind, size = [], [], 0
    for variables in many:
        body = json.dumps({"documentId": document, "variables": variables}).encode()
        with _watched() as statements:
            answer = client.post(
                "/graphql",
                content=body,
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            )
        if answer.status_code != 200 or "errors" in answer.json():
            raise SystemExit(f"{name}: {answer.text[:500]}")
        bodies.append(body)
        behind.append(tuple(statements))
        size += len(answer.content)
    return Question(name, tuple(bodies), tuple(behind), size // len(bodies))


@contextmanager
def _watched() -> Iterator[list[Statement]]:
    """Collects the readings of the API while the block lasts, with the parameters that go to the database."""
    found: list[Statement] = []
    kept = Reader.read_rows, Store.read, Store.stream

    async def reading(self: Reader, name: str, **parameters: Any) -> Any:
        found.append((name, self.veil.open_handles(parameters)))
        return await kept[0](self, name, **parameters)

    def watching(method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(self: Store, name: str, /, **parameters: Any) -> Any:
            found.append((name, parameters))
            return method(self, name, **parameters)

        return watched

    Reader.read_rows, Store.read, Store.stream = reading, *map(watching, kept[1:])  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Reader.read_rows, Store.read, Store.stream = kept  # type: ignore[method-assign]


def _samples(store: Store) -> tuple[list[str], list[str], list[str]]:
    """Ids of clusters and of members spread over them, and what somebody searches for."""
    pick = random.Random(SEED)
    rows = store.read("bench/clusters")
    clusters = [row["id"] for row in rows][:SAMPLES]
    accounts = [row["account"] for row in rows]
    pick.shuffle(accounts)
    keys = [row["key"] for row in rows]
    texts = [*accounts[: SAMPLES // 4], *keys[: SAMPLES // 4], *clusters[: SAMPLES // 4]]
    texts += [key.partition(":")[2] for key in keys if key.startswith("ip:")][: SAMPLES // 4]
    return clusters, accounts[:SAMPLES], texts
