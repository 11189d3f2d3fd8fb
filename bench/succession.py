"""How well succession is found, on worlds that know whom each replacement follows.

    python bench/succession.py [--worlds hard:61:120000 …] [--accounts N] [--out DIRECTORY]

Makes its worlds anew, detects with communities from GDS in a managed Neo4j, and writes `succession.json` (raw figures)
and `succession.md`. `--accounts` makes every world smaller. Progress goes to standard error.
"""

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measures.succession import PERMUTATIONS, TRAIN, WORLDS, succession
from bench.quality import OUT, as_json, commit
from bench.trials import Name, say, trials

Row = dict[str, Any]

INTRODUCTION = """# Succession

Written by `bench/succession.py`; the raw figures are in [succession.json](succession.json), what is measured and why is
in [decisions/succession.md](../decisions/succession.md). Worlds are named scenario:seed:accounts.
{train} were looked at while succession was built; no other.

- **First**: of all replacements of the truth, whose true predecessor is ranked first. **MRR**: mean of 1 / its rank, 0
  where it is not proposed. **Precision** and **recall** are of the probable pairs (likelier than not, one to one).
- **Seconds** are of succession alone, after the levels are derived, at the machine's **load** (one minute, two cores).
- Clusters are those **detected**, the **true** campaigns, or **none** at all.
- **Permuted**: the same with the moments of sign-up permuted within each cluster, {permutations} times. Some true
  pairs stay within reach of each other by accident, and are rightly found; the rest is what chance finds.
- **Rate** of a campaign: banned accounts that are seen to come back, less those expected to be wrong / that do. Who
  takes over nothing is not seen. **Half-life** by Kaplan and Meier; where less than half were banned, at this pace.
"""


def as_markdown(rows: list[Row], part: Row) -> str:
    """The report of `measures.succession`."""
    lines = [INTRODUCTION.format(train=" and ".join(TRAIN), permutations=PERMUTATIONS)]
    lines += ["## Against the truth", ""]
    heads = [
        "world",
        "clusters",
        "replacements",
        "first",
        "MRR",
        "proposed",
        "precision",
        "recall",
        "seconds",
        "load",
    ]
    body = [
        [
            f"{row['world']}{' (train)' if row['world'] in TRAIN else ''}",
            kind,
            f"{row['births']:,}",
            *(_rate(row[kind][name]) for name in ("first",)),
            f"{row[kind]['mrr']:.3f}",
            *(_rate(row[kind][name]) for name in ("proposed", "precision", "recall")),
            f"{row[kind]['seconds']:.1f}",
            f"{row['load']:.0f}",
        ]
        for row in rows
        for kind in ("detected", "true", "none")
    ]
    lines += _table(heads, body)
    lines += [
        "## Births permuted in time",
        "",
        "Clusters as detected. Pairs found, and those of them that are true.",
        "",
    ]
    body = []
    for row in rows:
        pairs = [one["pairs"] for one in row["permuted"]]
        wrong = [one["pairs"] - one["of_the_truth"] for one in row["permuted"]]
        mrr = max(one["mrr"] for one in row["permuted"])
        shown = [", ".join(map(str, pairs)), ", ".join(map(str, wrong)), f"{mrr:.4f}"]
        body.append([row["world"], f"{row['detected']['pairs']:,}", *shown])
    lines += _table(["world", "pairs as it is", "permuted", "of these wrong", "highest MRR"], body)
    lines += ["## What there is to find", "", "Replacements that share a value with whom they follow.", ""]
    heads = ["world", "any value", "of a kind that ties", "that no more than 100 accounts have"]
    body = [
        [row["world"], *(_rate(row["ceilings"][name]) for name in ("any", "tying", "few"))] for row in rows
    ]
    lines += _table(heads, body)
    lines += ["## Said and right", "", "Probable pairs by their probability; clusters as detected.", ""]
    heads = ["world", *(f"{b['low']:g}–{b['high']:g}" for b in rows[0]["detected"]["reliability"])]
    body = [[row["world"], *(_reliability(b) for b in row["detected"]["reliability"])] for row in rows]
    lines += _table(heads, body)
    lines += ["## Campaigns", "", "The five largest clusters with bans of each world: said / true.", ""]
    heads = [
        "world",
        "accounts",
        "stopped",
        "waves",
        "pairs",
        "by chance",
        "rate",
        "median delay",
        "half-life",
    ]
    body = [_campaign(row["world"], one) for row in rows for one in row["campaigns"]]
    lines += _table(heads, body)
    lines += ["## Where the bits come from", "", "Bits of each part, on average over the probable pairs.", ""]
    parts = sorted({name for row in rows for name in row["by_kind"]})
    body = [[row["world"], *(f"{row['by_kind'].get(name, 0.0):+.1f}" for name in parts)] for row in rows]
    lines += _table(["world", *parts], body)
    made = f"*Measured {part['measured']} at commit {part['commit']}, {part['cores']} cores, {part['seconds']:,} s.*"
    return "\n".join([*lines, made, ""])


def main() -> None:
    """Measures the worlds asked for and writes the figures."""
    parser = argparse.ArgumentParser(
        description="How well succession is found, on worlds that know the truth."
    )
    parser.add_argument("--worlds", nargs="+", metavar="SCENARIO:SEED:ACCOUNTS", default=list(WORLDS))
    parser.add_argument("--accounts", type=int, help="make no world larger than this")
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    asked = parser.parse_args()
    names = [Name.parse(name).sized(asked.accounts) for name in asked.worlds]
    began = time.monotonic()
    with trials() as runner:
        rows = succession(runner, names)
    part = {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit(),
        "cores": os.cpu_count(),
        "seconds": round(time.monotonic() - began),
        "rows": rows,
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "succession.json").write_text(as_json({"succession": part}), encoding="utf-8")
    (asked.out / "succession.md").write_text(as_markdown(rows, part), encoding="utf-8")
    say(f"written: {asked.out / 'succession.md'}")


def _campaign(world: str, row: Row) -> list[str]:
    half = row["half_life_days"]
    return [
        world,
        f"{row['size']:,}",
        f"{row['stopped']:,}",
        f"{row['waves']}",
        f"{row['pairs']:,}",
        f"{row['by_chance']:.0f}",
        f"{row['rate']:.2f} / {row['true_rate']:.2f}",
        " / ".join(_hours(row[name]) for name in ("delay_hours", "true_delay_hours")),
        f"{row['half_life_at_pace']:,.0f} days (at this pace)" if half is None else f"{half:.0f} days",
    ]


def _hours(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} h"


def _rate(rate: Row) -> str:
    return "–" if rate["rate"] is None else f"{rate['rate']:.3f}"


def _reliability(row: Row) -> str:
    return f"{row['said']:.3f} said, {row['right']:.3f} right ({row['pairs']:,})" if row["pairs"] else "–"


def _table(heads: list[str], body: list[list[str]]) -> list[str]:
    lines = [" | ".join(cells) for cells in (heads, ["---"] * len(heads), *body)]
    return [*(f"| {line} |" for line in lines), ""]


if __name__ == "__main__":
    main()
