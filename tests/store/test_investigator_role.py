"""Promise: the role that docs/browser.md makes for Enterprise edition reads no address, wherever one stands."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from around import served

from graphsvc.settings import Settings
from graphsvc.store import Store

DOCS = Path(__file__).parents[2] / "docs"
RECIPE = (
    (DOCS / "browser.md")
    .read_text(encoding="utf-8")
    .partition("CREATE ROLE investigator;")[2]
    .partition("```")[0]
)
MODEL = (DOCS / "graph-model.md").read_text(encoding="utf-8")
GRANT = re.compile(r"GRANT MATCH \{(.*?)\} ON GRAPH neo4j (NODES|RELATIONSHIPS) (.*?) TO investigator")
# Addresses, and prefixes that few people share.
ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]+::|\b(ip|prefix):")
STAR = "*"


def granted(kind: str) -> dict[str, set[str]]:
    """Properties by label or type."""
    found: dict[str, set[str]] = defaultdict(set)
    for properties, of, names in GRANT.findall(RECIPE):
        for name in names.split(", ") if of == kind else ():
            found[name] |= set(properties.split(", "))
    return found


def texts(value: Any) -> Iterator[str]:
    """All texts of a property."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def addresses(store: Store, query: str, allowed: dict[str, set[str]] | None) -> set[tuple[str, str]]:
    """Where addresses can be read: label or type, and property. `allowed` None: by somebody who may read all."""
    found = set()
    for names, properties in store.driver.execute_query(query).records:  # type: ignore[arg-type]
        readable = {STAR} if allowed is None else set().union(*(allowed.get(name, set()) for name in names))
        for key, value in properties.items():
            if (STAR in readable or key in readable) and any(map(ADDRESS.search, texts(value))):
                found.add((":".join(names), key))
    return found


@pytest.fixture
def published(database: Store, installation: Settings) -> Iterator[Store]:
    with served(database, installation):
        yield database


def test_no_address_is_left_in_what_it_may_read(published: Store) -> None:
    nodes = "MATCH (n) RETURN labels(n), properties(n)"
    relationships = "MATCH ()-[r]->() RETURN [type(r)], properties(r)"
    assert addresses(published, nodes, None) >= {
        ("Signal:IpAddress", "key"),
        ("Signal:IpAddress", "value"),
    }
    assert addresses(published, relationships, None) == {("MEMBER_OF", "signals"), ("LINKED", "signals")}
    assert not addresses(published, nodes, granted("NODES"))
    assert not addresses(published, relationships, granted("RELATIONSHIPS"))


def test_it_names_what_there_is_and_writes_nothing() -> None:
    for label in granted("NODES"):
        assert re.search(rf":{label}\b", MODEL), label
    for kind, properties in granted("RELATIONSHIPS").items():
        declared = re.search(rf"[:|]{kind}\b", MODEL)
        assert declared, kind
        for name in properties - {STAR}:
            assert re.search(rf"\b{name}\b", MODEL), name
    assert set(re.findall(r"^(\w+ \w+)", RECIPE, re.MULTILINE)) == {
        "GRANT ACCESS",
        "GRANT MATCH",
        "DENY EXECUTE",
    }
    assert not {"Signal", "Prefix", "Network", "Decision", "AuditEntry"} & set(granted("NODES"))
