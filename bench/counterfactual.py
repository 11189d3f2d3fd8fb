"""What `whatif` and `blast` cost on the largest cluster of a world, and whether a planted cut is found in it.

    python bench/counterfactual.py [--worlds demo:7:120000 …] [--repeat N] [--out DIRECTORY]

Each world is made, loaded and detected by the command line in a Neo4j of the bench's own. Of its largest cluster are
measured: reading it from Neo4j, and each question computed, the median of some repeats, in seconds of wall time and
of processor time of this process (not of the database's), with the machine's load beside. Then the same cluster is
torn in two at random, and the halves are joined by so many values made for it: the smallest cut must be those. Writes
`counterfactual.json` and `counterfactual.md`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from bench.quality import OUT, commit
from bench.trials import Name, Trials, say, trials
from bench.worlds import write_world
from graphsvc.analysis.anatomy import Anatomy
from graphsvc.analysis.counterfactual import find_parts, find_weak_points
from graphsvc.analysis.impact import estimate_impact
from graphsvc.campaigns.cluster_evidence import ClusterEvidence
from graphsvc.database import open_store
from graphsvc.store import Store
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.published import read_members
from graphsvc.store.surroundings import read_acted, read_surroundings
from graphsvc_lab.worlds import scenario

WORLDS = ("demo:7:120000", "hard:31:120000")
PLANTED = (
    (("instrument", 60),),
    (("ip", 4), ("ip", 4)),
    (("instrument", 6), ("ip", 4), ("ip", 4), ("device", 6)),
)
"""Kinds of the values that join two halves, and how many of both use each."""


def measured(runner: Trials, name: Name, repeat: int) -> dict[str, Any]:
    """The figures of one world."""
    runner.empty()
    with TemporaryDirectory() as directory:
        bundle = Path(directory)
        write_world(bundle, scenario.load_scenario(name.scenario), name.accounts, name.seed)
        for words in (("load", bundle), ("detect",)):
            say(f"{name}: {words[0]}")
            _run(runner, *words)
    with open_store(runner.settings) as store:
        cluster = largest(store)
        seconds: dict[str, tuple[float, float]] = {}

        def timed(what: str, work: Callable[[], Any]) -> Any:
            wall, own = [], []
            for _ in range(repeat):
                began, spent = time.monotonic(), time.process_time()
                found = work()
                wall.append(time.monotonic() - began)
                own.append(time.process_time() - spent)
            seconds[what] = (round(statistics.median(wall), 2), round(statistics.median(own), 2))
            say(f"{name}: {what} {seconds[what][0]:.2f} s, {seconds[what][1]:.2f} s of processor")
            return found

        held: ClusterEvidence = timed("read", lambda: read_cluster_evidence(store, cluster))
        ids = held.members["id"].to_list()
        acted = timed("read accounts", lambda: read_acted(store, ids))
        near, users = timed("read surroundings", lambda: read_surroundings(store, ids))
    whole = timed("parts", lambda: find_parts(held))
    found: Anatomy = timed("bridges, strongest signal and smallest cut", lambda: find_weak_points(held))
    less = timed("without a family", lambda: find_parts(held.exclude_evidence(families=["payment"])))
    one = timed(
        "without a signal",
        lambda: find_parts(held.exclude_evidence(found.strongest.signals if found.strongest else ())),
    )
    action = timed(
        "blast, five stages", lambda: estimate_impact(acted, {cluster: held}, near, users, stages=5, most=3.0)
    )
    return {
        "world": str(name),
        "members": held.members.height,
        "signals": held.signals.height,
        "uses": len(held.account),
        "seconds": seconds,
        "load": round(os.getloadavg()[0], 2),
        "parts": {"sizes": whole.sizes[:5], "alone": whole.alone},
        "without payment": {"sizes": less.sizes[:5], "alone": less.alone},
        "without the strongest": {"sizes": one.sizes[:5], "alone": one.alone},
        "bridges": {"signals": len(found.signals), "accounts": len(found.accounts)},
        "cut": None if found.cut is None else {
            "bits": round(found.cut.bits, 1),
            "least": found.cut.least, "values": found.cut.values, "uses": found.cut.uses,
            "sizes": found.cut.sizes[:5], "alone": found.cut.alone,
        },
        "blast": {
            "innocents": round(action.innocents, 1), "bystanders": action.bystanders_in_all,
            "stages": len(action.plan.stages), "left_out": action.plan.left_out,
        },
        "planted": [planted(held, values) for values in PLANTED],
    }  # fmt: skip


def planted(held: ClusterEvidence, values: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    """Tears a cluster in two and joins the halves by values of its own; whether these are found to be the cut."""
    torn = tear(held, values)
    began = time.monotonic()
    found = find_weak_points(torn)
    seconds = time.monotonic() - began
    cut = found.cut
    expected = {f"{kind}:planted{number}" for number, (kind, _) in enumerate(values)}
    gone = {key for each in cut.signals for key in each.signals} if cut else set()
    row = {
        "joined_by": [f"{kind} of {users} + {users}" for kind, users in values],
        "found": gone == expected,
        "bits": round(cut.bits, 1) if cut else None,
        "sizes": cut.sizes[:3] if cut else (),
        "seconds": round(seconds, 2),
    }
    say(f"planted {row}")
    return row


def tear(held: ClusterEvidence, values: tuple[tuple[str, int], ...]) -> ClusterEvidence:
    """The cluster with each signal made two, one a random half of its members, and some new ones that both use."""
    rng = np.random.default_rng(5)
    half = rng.permutation(held.members.height) % 2
    own = held.signal.astype(np.int64) * 2 + half[held.account]
    kept, signal = np.unique(own, return_inverse=True)
    signals = held.signals[kept // 2].with_columns(
        key=pl.col("key") + pl.Series((kept % 2).astype(str)),
        # The other half's users are nobody's now.
        degree=pl.col("degree") - pl.Series(np.bincount(held.signal)[kept // 2] - np.bincount(signal)),
    )
    account = [held.account]
    column = [signal]
    new = []
    for number, (kind, users) in enumerate(values):
        who = np.concatenate(
            [rng.choice(np.flatnonzero(half == side), users, replace=False) for side in range(2)]
        )
        account.append(np.sort(who).astype(np.int32))
        column.append(np.full(len(who), len(kept) + number))
        new.append(
            {
                "key": f"{kind}:planted{number}",
                "kind": kind,
                "parent": "",
                "grandparent": "",
                "class": "",
                "degree": len(who),
            }
        )
    every = pl.concat([signals, pl.DataFrame(new, schema=signals.schema)])
    accounts, columns = np.concatenate(account), np.concatenate(column).astype(np.int32)
    order = np.lexsort((columns, accounts))
    added = len(accounts) - len(held.account)
    nothing = np.zeros(added, dtype=np.int64)
    return replace(
        held,
        signals=every,
        account=accounts[order],
        signal=columns[order],
        first_seen=np.concatenate([held.first_seen, nothing])[order],
        last_seen=np.concatenate([held.last_seen, nothing])[order],
        passing=np.concatenate([held.passing, nothing.astype(np.bool_)])[order],
    )


def largest(store: Store) -> str:
    """Id of the published cluster with most members."""
    sizes = (
        read_members(store).group_by("cluster_id").len().sort(["len", "cluster_id"], descending=[True, False])
    )
    return str(sizes["cluster_id"][0])


def _run(runner: Trials, *words: object) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRAPHSVC_NEO4J_")}
    environment["GRAPHSVC_DATA_DIR"] = str(runner.settings.data_dir)
    command = [sys.executable, "-m", "graphsvc", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def as_markdown(result: dict[str, Any]) -> str:
    """The report."""
    lines = [
        "# What `whatif` and `blast` cost, and whether a planted cut is found",
        "",
        "Written by `bench/counterfactual.py`; raw figures in `counterfactual.json`. "
        f"Commit {result['commit']}, {result['cores']} cores, median of {result['repeat']} rounds.",
    ]
    for row in result["rows"]:
        cut = row["cut"]
        lines += [
            "",
            f"## {row['world']}: {row['members']:,} members, {row['signals']:,} shared signals, {row['uses']:,} uses",
            "",
            f"Load of the machine while measured: {row['load']}.",
            "",
            "| question | seconds | of processor, here |",
            "|---|---|---|",
            *(f"| {what} | {wall:.2f} | {own:.2f} |" for what, (wall, own) in row["seconds"].items()),
            "",
            f"The cluster is {_parts(row['parts'])}; without payment {_parts(row['without payment'])}; without its "
            f"strongest signal {_parts(row['without the strongest'])}. Bridges: {row['bridges']['signals']} signals, "
            f"{row['bridges']['accounts']} accounts.",
            "",
            "No cut was found." if cut is None else _cut(cut),
            "",
            f"An action on all active members: {row['blast']['innocents']} innocents to be expected, "
            f"{row['blast']['bystanders']:,} bystanders; the plan has {row['blast']['stages']} stages of five and "
            f"leaves {row['blast']['left_out']:,} accounts out.",
            "",
            "Torn in two at random and joined by values made for it:",
            "",
            "| joined by | found | bits | parts | seconds |",
            "|---|---|---|---|---|",
        ]
        for each in row["planted"]:
            sizes = " + ".join(f"{size:,}" for size in each["sizes"])
            lines.append(
                f"| {', '.join(each['joined_by'])} | {_yes(each['found'])} | {each['bits']} | {sizes} | "
                f"{each['seconds']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def _cut(cut: dict[str, Any]) -> str:
    return (
        f"Smallest cut found, after which nothing ties two parts of {cut['least']:,}: {cut['bits']:,} bits "
        f"({cut['values']:,} values and {cut['uses']:,} single uses). It leaves {_parts(cut)}."
    )


def _parts(row: dict[str, Any]) -> str:
    return " + ".join(f"{size:,}" for size in row["sizes"]) + f" (the largest five), {row['alone']:,} alone"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def main() -> None:
    """Measures the worlds asked for and writes the report."""
    parser = argparse.ArgumentParser(
        description="What whatif and blast cost on the largest cluster of a world."
    )
    parser.add_argument("--worlds", nargs="+", metavar="SCENARIO:SEED:ACCOUNTS", default=WORLDS)
    parser.add_argument("--repeat", type=int, default=5, help="rounds of each question")
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"commit": commit(), "cores": os.cpu_count(), "repeat": asked.repeat, "rows": []}
    with trials() as runner:
        for world in asked.worlds:
            result["rows"].append(measured(runner, Name.parse(world), asked.repeat))
            (asked.out / "counterfactual.json").write_text(
                json.dumps(result, indent=1) + "\n", encoding="utf-8"
            )
            (asked.out / "counterfactual.md").write_text(as_markdown(result), encoding="utf-8")
    say(f"written: {asked.out / 'counterfactual.md'}")


if __name__ == "__main__":
    main()
