"""The words of a world's prompts: slot-filled templates, and sentences of people's own (`phrases.toml`)."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter

import numpy as np
import polars as pl

from graphsvc_lab.worlds.pools import Pools
from graphsvc_lab.worlds.streams import Ints, Streams

SLOTS = 3
"""Slots of every template; its text is literal, slot, literal, slot, literal, slot, literal."""
_PIECES = (4, 6)
_SUBJECTS = ("quote", "code", "topic")
_DETAILS = ("quote", "number", "language", "link")
_POOL = {"quote": 4_000, "topic": 6_000, "code": 1_500, "link": 1_000, "number": 2_000}


@dataclass(frozen=True, slots=True)
class Templates:
    """Slot-filled templates: literal texts, each of shape (templates,), and slot kinds, shape (templates, SLOTS)."""

    literals: tuple[pl.Series, ...]
    slots: Ints

    def __len__(self) -> int:
        return len(self.slots)


class Phrases:
    """All lists of `phrases.toml` with those that Faker adds, and the pool of values that fill slots."""

    def __init__(self, streams: Streams, pools: Pools) -> None:
        content = tomllib.loads((files("graphsvc_lab.worlds") / "phrases.toml").read_text(encoding="utf-8"))
        rng = streams.rng("phrases")
        self.common = pl.Series(content["common"])
        self.layouts: list[str] = content["own"].pop("layouts")
        self._template: dict[str, list[str]] = content["template"]
        lists: dict[str, list[str]] = content["own"]
        topics = _draw_topics(lists, rng, 20_000)
        own = {**lists, "job": list(pools.jobs), "city": list(pools.cities), "topic": topics, "topic_b": topics,
               "task_imp_b": lists["task_imp"], "number": [str(n) for n in range(2, 400)]}  # fmt: skip
        self.own: dict[str, pl.Series] = {name: pl.Series(values) for name, values in own.items()}
        fillings = _draw_fillings(content["slot"], lists, topics, rng)
        self.slot_kinds = list(fillings)
        sizes = np.array([len(v) for v in fillings.values()], dtype=np.int64)
        self.slot_size, self.slot_first = sizes, np.cumsum(sizes) - sizes
        self.fillings = pl.Series([value for values in fillings.values() for value in values])

    def make_templates(self, rng: np.random.Generator, count: int) -> Templates:
        """Make `count` templates, each of a few pieces in an order of its own with words of its own."""
        rows = [self._draw_literals(rng) for _ in range(count)]
        # The first slot is what the template is about; the others are details of a word or a quotation.
        slots = np.empty((count, SLOTS), dtype=np.int64)
        for i in range(SLOTS):
            kinds = np.array([self.slot_kinds.index(kind) for kind in (_SUBJECTS if i == 0 else _DETAILS)])
            slots[:, i] = kinds[rng.integers(0, len(kinds), count)]
        columns = zip(*rows, strict=True) if rows else [()] * (SLOTS + 1)
        return Templates(tuple(pl.Series(list(c), dtype=pl.String) for c in columns), slots)

    def _draw_literals(self, rng: np.random.Generator) -> tuple[str, ...]:
        lists = self._template
        how_many = int(rng.integers(_PIECES[0], _PIECES[1] + 1))
        chosen = rng.choice(len(lists["piece"]), size=how_many, replace=False)
        pieces = [_fill_pattern(lists["piece"][i], lists, rng) for i in chosen]
        cut = int(rng.integers(1, how_many))
        head, tail = " ".join(pieces[:cut]), " ".join(pieces[cut:])
        lead, join, join_b = (_choose_one(lists[name], rng) for name in ("lead", "join", "join"))
        return f"{head} {lead} ", f" {tail} {join} ", f". {join_b} ", "."


def _draw_topics(lists: dict[str, list[str]], rng: np.random.Generator, count: int) -> list[str]:
    a, n, b = (rng.integers(0, len(lists[name]), count) for name in ("adjective", "noun", "about"))
    bare = rng.random(count) < 0.4
    return [
        f"{'an' if lists['adjective'][i][0] in 'aeiou' else 'a'} {lists['adjective'][i]} {lists['noun'][j]}"
        + ("" if short else f" {lists['about'][k]}")
        for i, j, k, short in zip(a, n, b, bare, strict=True)
    ]


def _draw_fillings(
    lists: dict[str, list[str]], own: dict[str, list[str]], topics: list[str], rng: np.random.Generator
) -> dict[str, list[str]]:
    """Return the pool of values for each kind of slot."""
    sentences = own["situation"] + own["trouble"] + own["constraint"] + own["place"] + own["style"]
    return {
        "quote": [
            f'"{_choose_one(topics, rng)}: {_choose_one(sentences, rng)}, {_choose_one(sentences, rng)}"'
            for _ in range(_POOL["quote"])
        ],
        "code": [_draw_program(lists, rng) for _ in range(_POOL["code"])],
        "topic": topics[: _POOL["topic"]],
        "number": [str(n) for n in rng.integers(1, 100_000, _POOL["number"])],
        "language": lists["language"],
        "link": [
            f"https://{_choose_one(own['noun'], rng).replace(' ', '-')}.example/{n}" for n in range(_POOL["link"])
        ],
    }  # fmt: skip


def _draw_program(lists: dict[str, list[str]], rng: np.random.Generator) -> str:
    a, b, c = (_choose_one(lists["identifier"], rng) for _ in range(3))
    text = _choose_one(lists["code"], rng).format(a=a, b=b, c=c, n=rng.integers(1000), m=rng.integers(99))
    return f"```{text}```"


def _fill_pattern(pattern: str, lists: dict[str, list[str]], rng: np.random.Generator) -> str:
    """Replace each {name} by a word of its own list; key, key2 and key3 are all keys."""
    text = ""
    for literal, name, _, _ in Formatter().parse(pattern):
        text += literal
        if name == "key_cap":
            text += _choose_one(lists["key"], rng).upper()
        elif name:
            text += _choose_one(lists[name.rstrip("23")], rng)
    return text


def _choose_one(values: list[str], rng: np.random.Generator) -> str:
    return values[int(rng.integers(len(values)))]
