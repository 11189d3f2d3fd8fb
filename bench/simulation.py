"""Worlds day by day without a database: earliness, identity, mergers and splits on many seeds, in minutes a world.

    python bench/simulation.py [--worlds days:71:60000 …] [--window 14] [--days 30] [--out DIRECTORY] [--keep DIRECTORY]

The same bundles, detection, lineage and measures as `graphsvc simulate`; the graph is kept in memory instead of Neo4j
(`bench/replay.py`), and communities come from igraph's Leiden instead of GDS's. Writes `simulation.json`,
`simulation.md` and plots. `--keep` keeps what each day's run found; called again with it, only what follows is done
anew: identities and measures, in seconds. Progress goes to standard error.
"""

import argparse
import os
import pickle
import platform
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import igraph
import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.quality import OUT, as_json, commit
from bench.replay import graphs
from bench.simulation_plots import draw
from bench.trials import Name, members_of, say
from bench.worlds import tokens
from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.progress import Stages
from graphsvc.detection import find
from graphsvc.lineage.follow import follow
from graphsvc.measure import Clock
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.model.lineage import Known
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc_lab.cli.seed import write_world
from graphsvc_lab.evaluation.days import DayResult, evaluate_day
from graphsvc_lab.evaluation.replay import Day, Replay
from graphsvc_lab.evaluation.simulation import evaluate_days
from graphsvc_lab.evaluation.simulation_report import format_day, format_report

WORLDS = ("days:71:60000", "days:72:60000")
"""Seeds that nobody looked at while anything here was built."""


class Leiden:
    """Communities by igraph's Leiden (modularity), seeded; the same graph gives the same communities."""

    name = "igraph"

    def communities(
        self, links: Links, algorithm: Algorithm, *, gamma: float, seed: int
    ) -> NDArray[np.int32]:
        """Community of each account, -1 for those without a link (see `community.protocol.Detector`)."""
        if algorithm is not Algorithm.LEIDEN:
            raise ValueError(algorithm)
        igraph.set_random_number_generator(random.Random(seed))
        try:
            network = igraph.Graph(n=links.nodes, edges=np.stack([links.source, links.target], axis=1))
            found = network.community_leiden(
                objective_function="modularity", resolution=gamma, n_iterations=4, weights=links.bits
            )
        finally:
            igraph.set_random_number_generator(random)
        linked = np.zeros(links.nodes, dtype=np.bool_)
        linked[links.source] = linked[links.target] = True
        return np.where(linked, np.array(found.membership), -1).astype(np.int32)

    def versions(self) -> dict[str, str]:
        """Versions of what computes."""
        return {"igraph": version("igraph")}


def simulated(name: Name, days: int, parameters: Parameters, keep: Path | None = None) -> dict[str, Any]:
    """A world from its first day to its last: what `report.json` of `graphsvc simulate` holds."""
    with TemporaryDirectory() as directory:
        world = Path(directory)
        with Stages() as stages:
            write_world(
                name.accounts, name.seed, world, stages, scenario=name.scenario, days=days, force=True
            )
        replay = Replay.read(world)
        known = Known.create_empty()
        seen: list[DayResult] = []
        campaigns: set[str] = set()
        kept = None if keep is None else keep / f"{name}-{days}-{parameters.window}".replace(":", "-")
        for day, (graph, found, seconds) in zip(replay.days, _found(world, parameters, kept), strict=True):
            followed = follow(found, graph, known)
            known = followed.known
            campaigns |= set(followed.found.select_campaigns().clusters["id"])
            events = followed.events.filter(pl.col("id").is_in(list(campaigns)))
            took = {"detect": seconds}
            seen.append(_observed(day, replay.truth, graph, followed.found, events, took))
            say(f"{name}: {format_day(seen[-1])}")
    result = evaluate_days(seen, replay.planned, window=parameters.window)
    about = {"scenario": name.scenario, "accounts": name.accounts, "seed": name.seed}
    return {**about, "window": parameters.window, **result.to_dict()}


def _found(
    world: Path, parameters: Parameters, kept: Path | None
) -> Iterator[tuple[SignalGraph, Found, float]]:
    """Each day's graph, what a run finds in it, and the seconds it took; from the directory `kept` where it is there.

    A graph that comes from there has accounts only.
    """
    files = [] if kept is None else sorted(kept.glob("*.pickle"))
    if len(files) == len(list(world.glob("day-*"))):
        for file in files:
            yield pickle.loads(file.read_bytes())  # noqa: S301 - written below
        return
    for number, graph in enumerate(graphs(world, tokens())):
        began = time.monotonic()
        found, _, _ = find(graph, Leiden(), parameters, Clock(), lambda _stage, _done, _total: None)
        seconds = round(time.monotonic() - began, 1)
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
            nobody = np.empty(0, dtype=np.int64)
            small = SignalGraph(
                graph.accounts, graph.signals.clear(), nobody.astype(np.int32), nobody.astype(np.int32), nobody, nobody,
                graph.activity.clear(),
            )  # fmt: skip
            (kept / f"{number:03d}.pickle").write_bytes(pickle.dumps((small, found, seconds)))
        yield graph, found, seconds


def _observed(
    day: Day,
    truth: pl.DataFrame,
    graph: SignalGraph,
    found: Found,
    events: pl.DataFrame,
    seconds: dict[str, float],
) -> DayResult:
    return evaluate_day(
        day.number,
        day.end_ms,
        run="in memory",
        truth=truth,
        accounts=graph.accounts.select("created_at", "status", account_id="id"),
        members=members_of(found, graph),
        clusters=_clusters(found),
        events=events,
        seconds=seconds,
    )


def _clusters(found: Found) -> pl.DataFrame:
    """What `store.published.read_clusters` would give of why: cluster_id, families, evidence."""
    found = found.select_campaigns()
    kind = found.keys.str.splitn(":", 2).struct.field("field_0")
    shared = found.shared.sort("cluster", "rank")
    evidence = (
        shared.with_columns(kind=kind.gather(shared["signal"]))
        .group_by("cluster", maintain_order=True)
        .agg(evidence=pl.struct("kind", "accounts", "share"))
    )
    # A cluster is named by its row, as everywhere in `Found`.
    rows = found.clusters.select("families", cluster_id="id", cluster=pl.int_range(pl.len(), dtype=pl.Int32))
    return rows.join(evidence, on="cluster", how="left").with_columns(pl.col("evidence").fill_null([]))


def main() -> None:
    """Runs the worlds asked for and writes the figures after each."""
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    reports: list[dict[str, Any]] = []
    for text in asked.worlds:
        began = time.monotonic()
        report = simulated(Name.parse(text), asked.days, Parameters(window=asked.window), asked.keep)
        reports.append({"world": text, "minutes": round((time.monotonic() - began) / 60, 1), **report})
        result = {
            "simulation": {
                "measured": datetime.now(UTC).isoformat(timespec="minutes"),
                "commit": commit(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "versions": {name: version(name) for name in ("graphsvc", "polars", "igraph")},
                "rows": reports,
            }
        }
        (asked.out / "simulation.json").write_text(as_json(result), encoding="utf-8")
        plots = draw(reports, asked.out)
        (asked.out / "simulation.md").write_text(_markdown(result["simulation"], plots), encoding="utf-8")
    say(f"written: {asked.out / 'simulation.md'}")


def _markdown(result: dict[str, Any], plots: list[tuple[str, str]]) -> str:
    head = (
        "# Worlds day by day\n\n"
        "How early campaigns are found, whether they keep their ids, and whether mergers and splits made on purpose "
        "are recorded; on seeds nothing was set on. Made by `python bench/simulation.py`: the bundles, detection, "
        "lineage and measures of `graphsvc simulate`, the graph in memory and communities by igraph. Measured "
        f"{result['measured']}, commit {result['commit']}, {result['cores']} cores, Python {result['python']}, "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        + ".\n\n"
    )
    head += _table(result["rows"]) + "\n"
    pictures = "".join(f"![{title}]({file})\n\n" for title, file in plots)
    # Each world's report as a chapter of this one.
    chapters = [
        format_report(report).replace("\n## ", "\n### ").replace("# ", "## ", 1) for report in result["rows"]
    ]
    return head + pictures + "\n".join(chapters)


def _table(reports: list[dict[str, Any]]) -> str:
    """A row a world."""
    head = (
        "world", "id kept", "or part of the last", "swapped", "planned recorded", "of those to be seen",
        "unplanned: strangers / parts", "largest when first found",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for report in reports:
        identity, happened = report["identity"], report["happenings"]
        largest = next(row for row in report["earliness"] if row["campaign_id"] == report["largest"])
        rates = (
            identity["kept"], identity["led"], happened["recorded"]["all"], happened["recorded_of_visible"],
        )  # fmt: skip
        kept, led, planned, seen = (f"{rate['hits']} of {rate['of']}" for rate in rates)
        strangers, parts = (
            len(happened[f"unplanned_{who}"]) for who in ("between_strangers", "within_one_campaign")
        )
        found = (
            f"{largest['size_when_found']:,} of {largest['size']:,}"
            if largest["day"] is not None
            else "never"
        )
        cells = (
            report["world"],
            kept,
            led,
            str(len(identity["swaps"])),
            planned,
            seen,
            f"{strangers} / {parts}",
            found,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Worlds day by day, in memory.")
    parser.add_argument("--worlds", nargs="+", metavar="SCENARIO:SEED:ACCOUNTS", default=list(WORLDS))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument(
        "--window", type=int, default=14, help="days for which a use counts after it was last seen"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    parser.add_argument("--keep", type=Path, help="directory in which what each day found is kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
