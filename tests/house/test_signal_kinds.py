"""Promise: a declared signal kind is known wherever a kind must be: tables, statements, colours and documentation."""

import re
from pathlib import Path

import pytest

from graphsvc.intake.schemas import SCHEMAS, list_columns
from graphsvc.signals.kinds import KINDS, SignalKind

ROOT = Path(__file__).parents[2]
TYPES = frozenset(kind.relationship for kind in KINDS)
HASHED = frozenset(kind.relationship for kind in KINDS if kind.tokenised)
"""What a statement follows that moves hashed values only, as a change of the token key does."""
ALTERNATIVES = re.compile(r":((?:[A-Z_]+\|)+[A-Z_]+)")
"""A list of relationship types in a pattern, such as `:PAID_WITH|SEEN_AT`."""

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@each_kind
def test_every_column_of_a_kind_is_a_column_of_its_table(kind: SignalKind) -> None:
    for source in kind.sources:
        assert source.column in list_columns(source.table), f"add {source} to graphsvc/intake/schemas.py"


@each_kind
def test_the_bundle_documents_every_column_of_a_kind(kind: SignalKind) -> None:
    page = (ROOT / "docs" / "bundle-format.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    assert set(rows) >= set(SCHEMAS)
    for source in kind.sources:
        assert f"`{source.column}`" in rows[source.table], "add it to docs/bundle-format.md"


@each_kind
def test_the_graph_model_names_the_label_and_relationship_of_a_kind(kind: SignalKind) -> None:
    page = (ROOT / "docs" / "graph-model.md").read_text(encoding="utf-8")
    assert f"`:{kind.label}`" in page
    assert re.search(rf"[:|]{kind.relationship}\b", page)


@each_kind
def test_neo4j_browser_has_a_colour_for_a_kind(kind: SignalKind) -> None:
    style = (ROOT / "cypher" / "browser" / "style.grass").read_text(encoding="utf-8")
    assert f"node.{kind.label} " in style


@pytest.mark.parametrize("family", sorted({kind.family for kind in KINDS}))
def test_the_console_filters_by_every_family(family: str) -> None:
    source = (ROOT / "console" / "src" / "pages" / "clusters.tsx").read_text(encoding="utf-8")
    listed = re.search(r"^const FAMILIES = (\[.*\]);$", source, re.MULTILINE)
    assert listed is not None
    assert f'"{family}"' in listed[1], (
        "add it to FAMILIES in console/src/pages/clusters.tsx, then make console"
    )


def test_statements_that_follow_many_kinds_follow_every_kind() -> None:
    found = 0
    for path in sorted((ROOT / "cypher").rglob("*.cypher")):
        text = path.read_text(encoding="utf-8")
        for listed in ALTERNATIVES.findall(text):
            # Two or three types are followed on purpose: what links, what is infrastructure.
            if {"HAS_IDENTIFIER", "PAID_WITH"} <= (types := set(listed.split("|"))):
                found += 1
                assert types in (TYPES, HASHED), path.name
    assert found > 20


@pytest.mark.parametrize("name", ["load/imported_counts", "detect/edge_counts"])
def test_statements_that_count_by_kind_count_every_kind(name: str) -> None:
    text = (ROOT / "cypher" / f"{name}.cypher").read_text(encoding="utf-8")
    assert set(re.findall(r"\[r:([A-Z_]+)\]", text)) >= TYPES
