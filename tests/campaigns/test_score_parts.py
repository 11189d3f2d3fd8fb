"""Promise: a part of the score is declared in full: what it measures, which question it answers, and why."""

import re
from pathlib import Path

import pytest

from graphsvc.campaigns.aspects import ASPECTS
from graphsvc.campaigns.score import TIME, TRAITS
from graphsvc.campaigns.sentences import PARTS
from graphsvc.campaigns.shares import MANNERS

ROOT = Path(__file__).parents[2]
OF_MEMBERS = {"signup", "arrivals"}
"""Evidence from time that is a member's or makes candidates, and is no part of a score."""


def test_every_share_has_a_trait_and_a_manner() -> None:
    assert set(TRAITS) == set(MANNERS)


@pytest.mark.parametrize("part", sorted({*TRAITS, *TIME} - OF_MEMBERS))
def test_every_part_answers_a_question(part: str) -> None:
    assert part in ASPECTS


def test_words_are_those_of_parts_that_there_are() -> None:
    assert set(PARTS) <= set(ASPECTS)


@pytest.mark.parametrize("part", sorted(ASPECTS))
def test_the_decisions_name_every_part(part: str) -> None:
    page = (ROOT / "docs" / "decisions" / "detection.md").read_text(encoding="utf-8")
    table = re.search(r"^\| part \| bits \| why \|\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    assert table is not None
    assert f"`{part}`" in table[1], "add it to the table of parts in docs/decisions/detection.md"
