"""Promise: the ten scripts for Neo4j Browser only read and answer over a published graph; the style fits the graph."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from around import served

from graphsvc.api.routers.browser_kit import list_questions
from graphsvc.settings import Settings
from graphsvc.statements import load_statement
from graphsvc.store import Store

KIT = Path(__file__).parents[2] / "cypher" / "browser"
SCRIPTS = list_questions()
PARAMETERS = {"cluster": "c-large", "account": "a01", "a": "a01", "b": "a02"}
WRITING = re.compile(r"\b(CREATE|MERGE|SET|DELETE|REMOVE|DROP|LOAD|CALL|FOREACH)\b")


@pytest.fixture
def published(database: Store, installation: Settings) -> Iterator[Store]:
    with served(database, installation):
        yield database


def test_there_are_ten_questions() -> None:
    numbers = [Path(name).name.split("_")[0] for name in SCRIPTS]
    assert numbers == [f"{number:02}" for number in range(1, 11)]
    for name, number in zip(SCRIPTS, numbers, strict=True):
        # Neo4j Browser lists saved scripts by their first line, sorted as text.
        assert load_statement(name).header.startswith(f"{number}. ")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_reads_and_answers(published: Store, name: str) -> None:
    found = load_statement(name)
    assert not WRITING.search(found.text)
    signal = published.read("browser/04_what_holds_a_cluster_together", cluster="c-large")[0]["signal"]
    given = {**PARAMETERS, "signal": signal}
    assert published.read(name, **{each: given[each] for each in found.parameters})


def test_the_style_names_the_labels_and_relationships_that_there_are() -> None:
    model = (KIT.parents[1] / "docs" / "graph-model.md").read_text(encoding="utf-8")
    style = (KIT / "style.grass").read_text(encoding="utf-8")
    for label in re.findall(r"^node\.(\w+)", style, re.MULTILINE):
        assert re.search(rf":{label}\b|\|{label}\b", model), label
    for kind in re.findall(r"^relationship\.(\w+)", style, re.MULTILINE):
        assert f":{kind} " in model, kind
