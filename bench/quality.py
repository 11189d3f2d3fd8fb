"""How good the detection is, on worlds whose seeds it was not set on: `make bench-quality`.

    python bench/quality.py [--only PART] [--worlds hard:11:120000 …] [--accounts N] [--out DIRECTORY]
                            [--engine gds|inprocess] [--market DIR] [--sybil-repo DIR] [--identities-repo DIR]

Parts: table, calibration, framing, ablation, evasion, road, random, permuted, market, real, small. Each makes its
worlds again, keeps nothing from an earlier run, and writes `quality.json` (raw figures), `quality.md` and plots.
`--only` renews one part and leaves what the others last wrote, each with the commit and time it was measured at.
`--worlds` sets that part's worlds; `--accounts` makes every world smaller. Progress goes to standard error.

The parts market and real take data from outside: a bundle with its truth, and git directories of the repositories
hop-protocol/hop-airdrop and sympy/sympy. `GRAPHSVC_MARKET`, `GRAPHSVC_SYBIL_REPO` and `GRAPHSVC_IDENTITIES_REPO` name
them too. What is not given is skipped, and the report says so.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.measures import (
    ablation,
    evasion,
    held_out,
    independent,
    outside,
    permuted,
    random_worlds,
    road,
    small,
    subsets,
    table,
)
from bench.plots import draw
from bench.report import as_markdown
from bench.sources import ROOT, find_sources
from bench.trials import Name, Trials, say, trials

OUT = ROOT / "docs" / "benchmarks"

Part = Callable[[Trials, list[Name]], list[dict[str, Any]]]

PARTS: dict[str, tuple[Part, tuple[str, ...]]] = {
    "table": (table.table, (*table.TEST, *table.TRAIN)),
    "calibration": (held_out.calibration, held_out.CALIBRATION),
    "framing": (held_out.framing, held_out.FRAMING),
    "ablation": (ablation.ablation, ablation.WORLDS),
    "evasion": (evasion.evasion, evasion.WORLDS),
    "road": (road.road, road.WORLDS),
    "random": (random_worlds.random_worlds, random_worlds.WORLDS),
    "independent": (independent.independent, ()),
    "subsets": (subsets.subsets, ()),
    "permuted": (permuted.permuted, permuted.WORLDS),
    "market": (outside.market, ()),
    "real": (outside.real, ()),
    "small": (small.small, small.WORLDS),
}
"""Each part with its own worlds, in the order in which they are run."""


def measured(runner: Trials, part: str, worlds: list[Name]) -> dict[str, Any]:
    """A part's rows with what they were measured on."""
    began = time.monotonic()
    say(f"{part}: {', '.join(map(str, worlds))}")
    rows = PARTS[part][0](runner, worlds)
    for row in rows:
        if "skipped" in row:
            say(f"{part}, {row['set']}: skipped. {row['skipped']}")
    return {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit(),
        "cores": os.cpu_count(),
        "engine": runner.engine,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("graphsvc", "polars", "igraph", "er-evaluation")},
        "seconds": round(time.monotonic() - began),
        "worlds": [str(name) for name in worlds],
        "rows": rows,
    }


def as_json(result: dict[str, Any]) -> str:
    """One line a row, numbers to six digits after the point."""

    def line(value: Any) -> str:
        return json.dumps(_rounded(value), ensure_ascii=False, separators=(",", ":"))

    parts = []
    for name, part in result.items():
        head = {key: value for key, value in part.items() if key != "rows"}
        rows = ",\n".join(line(row) for row in part["rows"])
        parts.append(f'"{name}":{line(head)[:-1]},"rows":[\n{rows}\n]}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Runs the parts asked for, and writes the figures after each."""
    asked = _arguments()
    raw = asked.out / "quality.json"
    result: dict[str, Any] = (
        json.loads(raw.read_text(encoding="utf-8")) if asked.only and raw.exists() else {}
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    sources = find_sources(asked.market, asked.sybil_repo, asked.identities_repo)
    with trials(asked.engine, sources) as runner:
        for part in asked.only or [part for part in PARTS if part != "road" or asked.engine == "gds"]:
            names = asked.worlds or PARTS[part][1]
            renewed = measured(runner, part, [Name.parse(name).sized(asked.accounts) for name in names])
            if part in result and all("skipped" in row for row in renewed["rows"]):
                say(f"{part}: what was measured before stays")
                continue
            result[part] = renewed
            ordered = {name: result[name] for name in PARTS if name in result}
            raw.write_text(as_json(ordered), encoding="utf-8")
            plots = draw(ordered, asked.out)
            (asked.out / "quality.md").write_text(as_markdown(ordered, plots), encoding="utf-8")
    say(f"written: {asked.out / 'quality.md'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How good the detection is, on worlds it was not set on.")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="a part; may be given again")
    parser.add_argument(
        "--worlds",
        nargs="+",
        metavar="SCENARIO:SEED:ACCOUNTS",
        help="instead of the part's own; random:SEED too",
    )
    parser.add_argument("--accounts", type=int, help="make no world larger than this")
    parser.add_argument("--engine", choices=("gds", "inprocess"), default="gds", help="for communities")
    parser.add_argument(
        "--market", type=Path, metavar="DIR", help="bundle of an independent generator, with truth"
    )
    parser.add_argument(
        "--sybil-repo", type=Path, metavar="DIR", help="git directory of hop-protocol/hop-airdrop"
    )
    parser.add_argument("--identities-repo", type=Path, metavar="DIR", help="git directory of sympy/sympy")
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    asked = parser.parse_args()
    if asked.worlds and len(asked.only or ()) != 1:
        parser.error("--worlds needs --only with one part")
    if asked.engine == "inprocess" and "road" in (asked.only or ()):
        parser.error("The part road needs a database. Leave out --engine inprocess.")
    return asked


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, 6) if isinstance(value, float) else value


def commit() -> str:
    """The commit of the code that is measured; with a + where files of it were changed since."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
