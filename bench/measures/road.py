"""The full road on one world, by the command line: its members must be those of the run in memory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from bench.trials import Name, Trials, say
from bench.worlds import write_world
from graphsvc_lab.worlds import scenario

WORLDS = ("hard:12:20000",)
KEYS = ("cluster_id", "account_id", "membership", "cluster_score")


def road(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world: seconds of each command, and whether both roads gave the same members.

    The installation is the bench's own, wiped before: the command line works on what it holds.
    """
    rows = []
    for name in worlds:
        inside = trials.published(name)
        trials.empty()
        with TemporaryDirectory() as directory:
            bundle, out = Path(directory, "world"), Path(directory, "members.parquet")
            bundle.mkdir()
            write_world(bundle, scenario.load_scenario(name.scenario), name.accounts, name.seed)
            seconds = {
                words[0]: _run(trials, *words)[1]
                for words in (("load", bundle), ("detect",), ("export", "members", "--out", out))
            }
            text, seconds["evaluate"] = _run(
                trials, "evaluate", "--truth", bundle / "truth.parquet", "--json"
            )
            exported = pl.read_parquet(out).select(KEYS)
        same = inside.members.select(KEYS).equals(exported)
        say(
            f"{name}: {exported.height:,} members by the command line, {'the same' if same else 'others'} in memory"
        )
        figures = json.loads(text)
        rows.append(
            {
                "world": str(name),
                "members": exported.height,
                "same_members": same,
                "same_figures": all(figures[key] == inside.figures[key] for key in figures),
                "seconds": seconds,
                "load": round(os.getloadavg()[0], 2),
            }
        )
    return rows


def _run(trials: Trials, *words: object) -> tuple[str, float]:
    began = time.monotonic()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRAPHSVC_NEO4J_")}
    environment["GRAPHSVC_DATA_DIR"] = str(trials.settings.data_dir)
    command = [sys.executable, "-m", "graphsvc", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return done.stdout, round(time.monotonic() - began, 1)
