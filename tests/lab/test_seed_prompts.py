"""Prompts: templates are shared while their slots differ, people's own words are shared by hardly anybody."""

import re
from itertools import pairwise

import polars as pl
from worlds import labelled, world

WORDS = 3


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Word triples of a text after masking programs, quotes, links and numbers."""
    for pattern, mask in (
        (r"```.*?```", " C "),
        (r'"[^"]*"', " Q "),
        (r"https?://\S+", " U "),
        (r"\d+", " N "),
    ):
        text = re.sub(pattern, mask, text, flags=re.DOTALL)
    words = re.findall(r"\w+", text.lower())
    return frozenset(tuple(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1)))


def similarity(x: frozenset[tuple[str, ...]], y: frozenset[tuple[str, ...]]) -> float:
    return len(x & y) / len(x | y)


def with_relatives(texts: list[str], wanted: int) -> float:
    """Share of the texts that are much like, but not equal to, at least `wanted` others."""
    sets = [shingles(t) for t in texts]
    counts = [sum(similarity(a, b) > 0.5 for b in sets) - 1 for a in sets]
    return sum(count >= wanted for count in counts) / len(texts)


def texts(of: pl.Expr) -> list[str]:
    people = labelled("demo", 12_000).filter(of)
    prompts = world("demo", 12_000)["prompts"].drop_nulls("text")
    return prompts.join(people, on="account_id", how="semi")["text"].to_list()


def test_people_write_in_their_own_words() -> None:
    own = [t for t in texts(pl.col("campaign_id").is_null() & pl.col("decoy").is_null()) if len(t) > 60]
    assert len(set(own)) > 0.98 * len(own)
    alike = [similarity(a, b) for a, b in pairwise([shingles(t) for t in own[:4_000]])]
    assert sum(s > 0.5 for s in alike) < 0.01 * len(alike)
    assert sum(alike) / len(alike) < 0.05


def test_members_fill_the_slots_of_shared_templates() -> None:
    """In a campaign most prompts have many near relatives, and hardly any has a twin."""
    hydra = [t for t in texts(pl.col("campaign_id") == "hydra") if len(t) > 60]
    assert len(set(hydra)) > 0.9 * len(hydra)
    assert with_relatives(hydra[:400], 3) > 0.4


def test_people_copy_popular_prompts_too() -> None:
    copied = [t for t in texts(pl.col("decoy") == "popular_prompt") if len(t) > 60]
    assert with_relatives(copied[:400], 3) > 0.4


def test_greetings_are_sent_by_everybody() -> None:
    prompts = world("demo", 12_000)["prompts"].drop_nulls("text")
    users = (
        prompts.group_by("text").agg(pl.col("account_id").n_unique().alias("n")).sort("n", descending=True)
    )
    assert users["n"][0] > 200
    assert len(users["text"][0]) < 40


def test_an_exporters_fingerprint_is_that_of_the_template() -> None:
    prints = (
        world("demo", 12_000)["prompts"]
        .drop_nulls("fingerprint")
        .join(labelled("demo", 12_000).filter(pl.col("campaign_id") == "hydra"), on="account_id", how="semi")
    )
    users = prints.group_by("fingerprint").len()
    assert users["len"].max() > 10
    assert (users["len"] == 1).any()
