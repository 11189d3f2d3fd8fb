"""A world, day by day on Neo4j: load → detect → evaluate, and a final report."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.protocol import Detector
from graphsvc.detection import detect
from graphsvc.errors import ExportError, SimulationError
from graphsvc.files import write_atomically
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.graph import count_accounts
from graphsvc.store.lineage import read_run_events
from graphsvc.store.published import CAMPAIGNS, read_clusters, read_members
from graphsvc.store.runs import read_published_run
from graphsvc.types import Progress, Report, ignore_progress
from graphsvc_lab.evaluation.days import DayResult, evaluate_day
from graphsvc_lab.evaluation.replay import Day, Replay
from graphsvc_lab.evaluation.simulation import Assessment, evaluate_days
from graphsvc_lab.evaluation.simulation_report import format_day, format_report


@dataclass(frozen=True, slots=True)
class Simulation:
    """The parameters and directories of a simulation.

    `state` belongs to the installation whose database holds the days: it has the `world`, and the result of
    each of its `days`. The report goes to `out`. `about` describes the world: scenario, accounts, seed.
    """

    state: Path
    out: Path
    parameters: Parameters
    about: dict[str, Any]

    @property
    def world(self) -> Path:
        """Return the directory of the world, as `graphsvc seed --days` writes it."""
        return self.state / "world"

    def get_result_path(self, day: int) -> Path:
        """Return the file of a day's result. It exists when the day is done."""
        return self.state / "days" / f"{day:03d}.json"


def check_database(simulation: Simulation, store: Store) -> None:
    """Check that the database is empty or holds this simulation.

    Raises:
        SimulationError: it holds something else.
    """
    filled = count_accounts(store) > 0
    others = [path for path in simulation.state.parent.glob("*") if path != simulation.state]
    if filled and (others or not simulation.world.exists()):
        raise SimulationError(
            "This installation holds other data; the simulation would mix a synthetic dataset into it.",
            "Set GRAPHSVC_DATA_DIR to a fresh directory (and unset GRAPHSVC_NEO4J_URI), then try again.",
        )
    if not filled and simulation.get_result_path(0).exists():
        raise SimulationError(
            f"{simulation.state} has days that the database does not hold.",
            "Remove that directory to start over, or set GRAPHSVC_DATA_DIR to a fresh one.",
        )


def simulate(
    simulation: Simulation,
    store: Store,
    detector: Detector,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    say: Report,
    progress: Progress = ignore_progress,
) -> Assessment:
    """Load, detect and evaluate each day of the world, and write `report.md` and `report.json`.

    Killed at any time and called again, it continues with the same day.

    Raises:
        BundleError: the world cannot be read.
        ExportError: results cannot be written.
        SimulationError, DetectionError, DatabaseUnavailable, DatabaseRefused
    """
    replay = Replay.read(simulation.world)
    days: list[DayResult] = []
    for day, accounts in zip(replay.days, replay.iter_accounts(), strict=True):
        kept = simulation.get_result_path(day.number)
        if kept.exists():
            days.append(DayResult.from_dict(json.loads(kept.read_text(encoding="utf-8"))))
            continue
        began = time.monotonic()
        load_bundle(store, day.bundle, tokens, dead_letters_dir, progress=progress)
        loaded = time.monotonic()
        # Loading and publishing are idempotent. If the program died after this day's run was published, that
        # run is evaluated.
        published = find_newest_run(store)
        if published is None or published == (days[-1].run if days else None):
            detect(store, detector, simulation.parameters, progress)
        # Else the program died after this day's run was published: that run is the one to judge.
        seconds = {"load": round(loaded - began, 1), "detect": round(time.monotonic() - loaded, 1)}
        days.append(evaluate_published_day(store, day, replay.truth, accounts, seconds))
        write_file(kept, json.dumps(days[-1].to_dict()))
        say(format_day(days[-1]))
    result = evaluate_days(days, replay.planned, window=simulation.parameters.window)
    report = {**simulation.about, "window": simulation.parameters.window, **result.to_dict()}
    write_file(simulation.out / "report.json", json.dumps(report, indent=1) + "\n")
    write_file(simulation.out / "report.md", format_report(report))
    return result


def evaluate_published_day(
    store: Store, day: Day, truth: pl.DataFrame, accounts: pl.DataFrame, seconds: dict[str, float]
) -> DayResult:
    """Evaluate the published result at the end of a day against the truth of that day."""
    run = find_newest_run(store)
    if run is None:
        raise SimulationError("Nothing is published.", "Run the simulation again.")
    return evaluate_day(
        day.number,
        day.end_ms,
        run=run,
        truth=truth,
        accounts=accounts,
        members=read_members(store),
        clusters=read_clusters(store),
        events=read_run_events(store, run, CAMPAIGNS),
        seconds=seconds,
    )


def find_newest_run(store: Store) -> str | None:
    """Return the id of the published run; None before the first."""
    run = read_published_run(store)
    return run.id if run else None


def write_file(path: Path, text: str) -> None:
    """Write a file atomically.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text, mode=0o666)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}.", "Choose another --out.") from error
