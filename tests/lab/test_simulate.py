"""Promise: a simulation that was killed goes on where it was and ends in the same report; it mixes with nothing."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import run_command
from graphs import ring_bundle
from test_days import written

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.gds import GdsDetector
from graphsvc.errors import BundleError, SimulationError
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc_lab import simulation
from graphsvc_lab.evaluation.days import DayResult
from graphsvc_lab.evaluation.replay import Replay
from graphsvc_lab.simulation import Simulation, check_database, simulate
from graphsvc_lab.worlds import scenario, writer
from graphsvc_lab.worlds.days import build_calendar
from graphsvc_lab.worlds.world import World, create_world

DAYS = 2
PLAN = scenario.load_scenario("days")


class Killed(BaseException):
    """What no handler of errors catches."""


@cache
def made() -> tuple[World, pl.Series]:
    """A world, and those of its accounts that are replayed: the campaigns' and every fourth of the others."""
    whole = create_world(PLAN, 1_000, 8)
    truth = dict(whole.iter_tables())["truth"].sort("account_id")
    honest = truth.filter(pl.col("campaign_id").is_null())["account_id"].gather_every(4)
    return whole, pl.concat([truth.drop_nulls("campaign_id")["account_id"], honest])


def world(state: Path) -> Simulation:
    whole, replayed = made()
    out = written(whole, state / "world", DAYS, replayed)
    writer.write_table(build_calendar(PLAN, DAYS), out / "calendar.parquet", "parquet")
    writer.write_table(whole.events, out / "events.parquet", "parquet")
    about = {"scenario": "days", "accounts": 1_000, "seed": 8}
    return Simulation(state, state.parent.parent / "out", Parameters(seed=8, window=14), about)


def run(given: Simulation, store: Store, tokens: Tokeniser, lines: list[str]) -> dict[str, Any]:
    detector = GdsDetector(store.driver, store.address.database)
    simulate(given, store, detector, tokens, given.out / "dead", lines.append)
    report: dict[str, Any] = json.loads((given.out / "report.json").read_text())
    for day in report["days"]:
        day.pop("seconds")
    return report


@pytest.mark.slow
def test_killed_and_run_again(
    database: Store, tokens: Tokeniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = world(tmp_path / "simulations" / "one")
    check_database(given, database)
    lines: list[str] = []
    judged = simulation.evaluate_published_day

    def killed(store: Store, day: Any, *rest: Any) -> DayResult:
        """Dies once its run is published, before what it came to is kept."""
        if day.number == 1:
            raise Killed
        return judged(store, day, *rest)

    monkeypatch.setattr(simulation, "evaluate_published_day", killed)
    with pytest.raises(Killed):
        run(given, database, tokens, lines)
    assert len(lines) == 1
    assert not given.get_result_path(1).exists()
    published = simulation.find_newest_run(database)

    monkeypatch.setattr(simulation, "evaluate_published_day", judged)
    check_database(given, database)
    resumed = run(given, database, tokens, lines)
    assert len(lines) == DAYS + 1
    # The day was judged by the run that was there, not by another.
    assert json.loads(given.get_result_path(1).read_text())["run"] == published

    database.run_autocommit("bench/wipe")
    unbroken = run(world(tmp_path / "simulations" / "two"), database, tokens, [])
    assert resumed == unbroken
    assert unbroken["days"][-1]["accounts"] == len(made()[1]) > 400
    assert "How early" in (tmp_path / "out" / "report.md").read_text()


def test_another_installation_is_left_alone(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    given = Simulation(tmp_path / "simulations" / "one", tmp_path / "out", Parameters(), {})
    check_database(given, database)
    load_bundle(database, ring_bundle(tmp_path / "ring", singles=20), tokens, tmp_path / "dead")
    with pytest.raises(SimulationError, match="other data"):
        check_database(given, database)
    given.world.mkdir(parents=True)
    check_database(given, database)
    (tmp_path / "simulations" / "two").mkdir()
    with pytest.raises(SimulationError, match="other data"):
        check_database(given, database)
    database.run_autocommit("bench/wipe")
    simulation.write_file(given.get_result_path(0), "{}")
    with pytest.raises(SimulationError, match="does not hold"):
        check_database(given, database)


def test_no_world_by_days_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no world by days"):
        Replay.read(tmp_path)


@pytest.mark.parametrize("words", [["--accounts", "10"], ["--days", "0"], ["--scenario", "nowhere"]])
@pytest.mark.usefixtures("database", "cli_environment")
def test_a_wrong_call_ends_with_2(words: list[str], tmp_path: Path) -> None:
    done = run_command("simulate", "--out", tmp_path / "out", *words)
    assert (done.returncode, bool(done.stderr)) == (2, True)
    assert not (tmp_path / "out").exists()
