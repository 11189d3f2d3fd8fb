"""The same seed gives the same bytes: in one process, in another, on any number of threads."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from command import Done, run_command

from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.days import get_directory
from graphsvc_lab.worlds.randomised import describe_world
from graphsvc_lab.worlds.world import TABLES, World, create_world


def seed_cli(out: Path, *arguments: str) -> Done:
    """Run `graphsvc seed`."""
    return run_command("seed", "--out", out, *arguments)


def digests(bundle: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(bundle.iterdir()) if p.is_file()
    }


FORMS = ("parquet", "csv", "ndjson")
SPARSE = {"sparse-identifiers": ("accounts", "identifiers"), "sparse-names": ("accounts",)}
RANDOM = ("random", 41, 700)
"""Scenario, seed and accounts; of seed 7 are all others, since the names of a seed take most of the time."""
WORLDS: dict[str, list[str]] = {
    **{form: ["--accounts", "1000", "--seed", "7", "--format", form] for form in FORMS},
    **{name: ["--accounts", "2000", "--seed", "7", "--scenario", name] for name in SPARSE},
    "days": ["--accounts", "1000", "--seed", "7", "--scenario", "days", "--days", "3"],
    "random": ["--scenario", "random", "--seed", "41", "--accounts", "700"],
}
SCRIPT = f"""
import sys
from graphsvc.cli.commands import app
for name, words in {WORLDS}.items():
    app(["seed", *words, "--out", sys.argv[1] + "/" + name], standalone_mode=False)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """All worlds, written by one process: their directory, and what it printed last."""

    place: Path
    said: str


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Written, Written]:
    """The worlds of this process and of one with another seed of hashes and more threads."""
    here, there = (tmp_path_factory.mktemp("worlds") for _ in range(2))
    seeds = {"PYTHONHASHSEED": "2", "POLARS_MAX_THREADS": str(pl.thread_pool_size() + 3)}
    other = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(there)],
        capture_output=True, text=True, check=False, env={**os.environ, **seeds}, timeout=600,
    )  # fmt: skip
    assert other.returncode == 0, other.stderr
    done = [seed_cli(here / name, *words) for name, words in WORLDS.items()]
    assert [each.returncode for each in done] == [0] * len(WORLDS), done
    return Written(here, done[-1].stdout), Written(there, other.stdout)


@pytest.mark.parametrize("name", [*FORMS, *SPARSE, "random"])
def test_same_seed_same_bytes_in_another_process(twice: tuple[Written, Written], name: str) -> None:
    one, other = (digests(written.place / name) for written in twice)
    tables = describe_world(*RANDOM[1:])["tables"] if name == "random" else SPARSE.get(name, TABLES)
    assert set(one) == {f"{table}.{name if name in FORMS else 'parquet'}" for table in {*tables, "truth"}}
    assert one == other


def test_a_random_world_says_what_was_drawn(twice: tuple[Written, Written]) -> None:
    for written in twice:
        drawn = json.loads(written.said.splitlines()[-1])
        assert drawn == json.loads(json.dumps(describe_world(*RANDOM[1:])))


def test_same_seed_same_bytes_day_for_day(twice: tuple[Written, Written]) -> None:
    for part in (".", *(get_directory(day) for day in range(4))):
        one, other = (digests(written.place / "days" / part) for written in twice)
        assert one == other
        assert one


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    """No account, instrument or device of one world appears in another."""
    one, two = (create_world(scenario.load_scenario("demo"), 1_000, seed) for seed in (7, 41))
    a, b = dict(one.iter_tables()), dict(two.iter_tables())
    for table, column in (("accounts", "account_id"), ("payments", "instrument"), ("sessions", "device")):
        assert not set(a[table][column].drop_nulls()) & set(b[table][column].drop_nulls())


def with_population(name: str, change: dict[str, Any]) -> World:
    content = scenario.load_scenario("demo").model_dump(exclude_unset=True)
    content["populations"] = {name: change, **content["populations"]}
    return create_world(scenario.parse_scenario("changed", content), 3_000, 7)


def test_a_new_population_leaves_the_others_as_they_were() -> None:
    before = create_world(scenario.load_scenario("demo"), 3_000, 7)
    after = with_population("newcomers", {"share": 0.02, "decoy": "newcomers"})
    there = {m.name: m for m in after.people.parts}
    kept = [m for m in before.people.parts if m.name != "singles"]
    assert len(kept) > 10
    for members in kept:
        np.testing.assert_array_equal(members.created, there[members.name].created)
        np.testing.assert_array_equal(members.predecessor, there[members.name].predecessor)
    assert len(there["newcomers"]) + len(there["singles"]) == next(
        len(m) for m in before.people.parts if m.name == "singles"
    )


def test_nothing_lies_after_the_worlds_present() -> None:
    """Times come from the scenario, never from the clock."""
    plan = scenario.load_scenario("demo")
    for name, frame in create_world(plan, 1_000, 7).iter_tables():
        for column in ("created_at", "status_changed_at", "first_seen", "last_seen", "hour"):
            if column in frame.columns:
                moments = frame[column].dt.epoch("s").drop_nulls()
                assert moments.max() <= plan.end, (name, column)
                assert moments.min() >= plan.start, (name, column)
