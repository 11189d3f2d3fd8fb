"""How often two fillings of one template share a band, and two unrelated prompts.

    python bench/prompt_bands.py [--unrelated FILE.jsonl …]

The templates and fillings are in `prompt_bands.toml`. Unrelated prompts are one each of all templates,
or the texts of the files given (one JSON object a line with `text`, or `instruction` and `instances`).
Compared with: MinHash with as many bands of one row (Broder 1997) on the same shingles.
"""

import argparse
import itertools
import json
import random
import time
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from graphsvc.signals import prompts

FILLINGS = 40
SEED = 7


def fillings(template: str, slots: dict[str, list[str]], rng: random.Random) -> list[str]:
    """Fillings of a template, its slots drawn independently."""

    def one() -> str:
        text = template
        for name, values in slots.items():
            while "{" + name + "}" in text:
                text = text.replace("{" + name + "}", rng.choice(values), 1)
        while "{number}" in text:
            text = text.replace("{number}", str(rng.randrange(2, 500)), 1)
        return text

    return [one() for _ in range(FILLINGS)]


def sketches(texts: Sequence[str]) -> list[set[str]]:
    """The bands of each text."""
    found: list[set[str]] = [set() for _ in texts]
    for row, band in prompts.compute_bands(pl.Series(texts)).iter_rows():
        found[row].add(band)
    return found


def share(sets: Iterable[set[str]]) -> float:
    """The share of pairs of different sets that have an element in common."""
    return float(np.mean([not a.isdisjoint(b) for a, b in itertools.combinations(sets, 2)]))


def unrelated(files: Sequence[Path]) -> list[str]:
    """One prompt a line of the files."""
    texts = []
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            instance = (record.get("instances") or [{}])[0].get("input", "")
            texts.append(record.get("text") or f"{record['instruction']} {instance}".strip())
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unrelated", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    corpus = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    rng = random.Random(SEED)
    print(f"{prompts.BANDS} bands")
    groups: list[list[str]] = []
    for length in ("long", "medium", "short"):
        filled = [fillings(template, corpus["slots"], rng) for template in corpus[length]]
        groups += filled
        shares = [share(sketches(texts)) for texts in filled]
        print(
            f"{length:7} one template: {np.mean(shares):.3f} of pairs share a band, worst {min(shares):.3f}"
        )
    others = unrelated(arguments.unrelated) or [group[0] for group in groups]
    bands = sketches(others)
    common = pl.Series([band for found in bands for band in found]).value_counts()["count"].max()
    print(
        f"unrelated, {len(others)} prompts: {share(bands):.5f} of pairs share a band; "
        f"{np.mean([bool(found) for found in bands]):.3f} have bands; the commonest is in {common}"
    )
    many = pl.Series([text for group in groups for text in group] * 20)
    start = time.perf_counter()
    prompts.compute_bands(many)
    print(
        f"speed: {len(many) / (time.perf_counter() - start):,.0f} prompts a second, "
        f"{many.str.len_chars().mean():.0f} characters on average"
    )


if __name__ == "__main__":
    main()
