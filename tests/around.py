"""What tests of clusters, accounts, signals and search share: the app over a published graph and what is around it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from api import Api, write
from fastapi.testclient import TestClient

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.reader import Reader


@contextmanager
def served(store: Store, installation: Settings) -> Iterator[Api]:
    """An analyst of the published graph and what is around it."""
    store.run_autocommit("bench/wipe")
    write(store, "published")
    write(store, "around")
    key = keys.create_key(installation.keys_dir, keys.Role.ANALYST)
    with TestClient(create_app(installation, store.address)) as client:
        yield Api(client, key)


def counted(monkeypatch: pytest.MonkeyPatch, given: list[Any] | None = None) -> Counter[str]:
    """Counts the statements that go to the database, which answers them as ever; `given` gets their parameters."""
    counts: Counter[str] = Counter()
    read = Reader.read_rows

    async def counting(self: Reader, name: str, **parameters: object) -> Any:
        counts[name] += 1
        if given is not None:
            given.append(parameters)
        return await read(self, name, **parameters)

    monkeypatch.setattr(Reader, "read_rows", counting)
    return counts


def nodes(connection: dict[str, Any]) -> list[Any]:
    """The items of a page."""
    return [edge["node"] for edge in connection["edges"]]
