"""Scores the detection on seeded worlds: seeds, loads, detects and evaluates each in a fresh installation.

    python bench/detection_quality.py demo:1:120000 demo:7:60000 hard:3:120000 easy:4:60000 quiet:5:60000

Prints a Markdown table. A world is scenario:seed:accounts. Wall times are of this machine, with its load beside them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COLUMNS = ("precision", "recall", "false_positives", "campaigns_found")


def run(data: Path, *words: object) -> tuple[str, float]:
    """Standard output and wall seconds of a command in the installation `data`."""
    began = time.monotonic()
    environment = {**os.environ, "GRAPHSVC_DATA_DIR": str(data)}
    command = [sys.executable, "-m", "graphsvc", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return done.stdout, time.monotonic() - began


def score(world: str) -> str:
    """One row of the table."""
    scenario, seed, accounts = world.split(":")
    with tempfile.TemporaryDirectory() as directory:
        data, bundle = Path(directory, "data"), Path(directory, "world")
        run(data, "seed", "--scenario", scenario, "--seed", seed, "--accounts", accounts, "--out", bundle)
        try:
            run(data, "neo4j", "start")
            _, loading = run(data, "load", bundle)
            _, detecting = run(data, "detect")
            text, _ = run(data, "evaluate", "--truth", bundle / "truth.parquet", "--json")
        finally:
            run(data, "neo4j", "stop")
    figures: dict[str, Any] = json.loads(text)
    cells = [f"{scenario}, seed {seed}", f"{int(accounts):,}"]
    cells += ["–" if (rate := figures[name]["rate"]) is None else f"{rate:.4f}" for name in COLUMNS]
    cells += [f"{figures[name]:.3f}" for name in ("bcubed_f", "hydra_jaccard")]
    cells += [str(figures["largest_false_cluster"]), f"{loading:.0f} s", f"{detecting:.0f} s"]
    return f"| {' | '.join([*cells, f'{os.getloadavg()[0]:.1f}'])} |"


def main(worlds: list[str]) -> None:
    """Prints the table."""
    heads = [
        "world",
        "accounts",
        *COLUMNS,
        "B-cubed F",
        "hydra's Jaccard",
        "largest false cluster",
        "load",
        "detect",
    ]
    print(f"| {' | '.join([*heads, 'machine load'])} |\n|{'---|' * (len(heads) + 1)}")
    for world in worlds:
        print(score(world), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["demo:1:120000"])
