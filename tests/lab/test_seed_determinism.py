"""The same seed gives the same bytes: in one process, in another, on any number of threads."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from command import Done, run_command

from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.world import TABLES, World, create_world


def seed_cli(out: Path, *arguments: str, **environment: str) -> Done | subprocess.CompletedProcess[str]:
    """Run `graphsvc seed`; in a process of its own where it is to have another environment."""
    if not environment:
        return run_command("seed", "--out", out, *arguments)
    command = [
        sys.executable,
        "-c",
        "from graphsvc.cli import main; main()",
        "seed",
        "--out",
        str(out),
        *arguments,
    ]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=600
    )


def digests(bundle: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(bundle.iterdir())}


FORMS = ("parquet", "csv", "ndjson")


def test_same_seed_same_bytes_in_another_process(tmp_path: Path) -> None:
    def said(out: Path, hash_seed: int, threads: int) -> dict[str, str]:
        """Write the world in each form in one process; its digests by name of form and file."""
        script = f"""
import sys
from graphsvc.cli.commands import app
for form in {FORMS}:
    words = ["--accounts", "1000", "--seed", "5", "--format", form, "--out", sys.argv[1] + form]
    app(["seed", *words], standalone_mode=False)
"""
        more = {"PYTHONHASHSEED": str(hash_seed), "POLARS_MAX_THREADS": str(threads)}
        command = [sys.executable, "-c", script, f"{out}/"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **more}, timeout=600)
        return {f"{form}/{name}": found for form in FORMS for name, found in digests(out / form).items()}

    one, other = said(tmp_path / "a", 1, 1), said(tmp_path / "b", 2, 4)
    assert set(one) == {f"{form}/{table}.{form}" for form in FORMS for table in TABLES}
    assert one == other


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    """No account, instrument or device of one world appears in another."""
    one, two = (create_world(scenario.load_scenario("demo"), 1_000, seed) for seed in (1, 2))
    a, b = dict(one.iter_tables()), dict(two.iter_tables())
    for table, column in (("accounts", "account_id"), ("payments", "instrument"), ("sessions", "device")):
        assert not set(a[table][column].drop_nulls()) & set(b[table][column].drop_nulls())


def with_population(name: str, change: dict[str, Any]) -> World:
    content = scenario.load_scenario("demo").model_dump(exclude_unset=True)
    content["populations"] = {name: change, **content["populations"]}
    return create_world(scenario.parse_scenario("changed", content), 3_000, 3)


def test_a_new_population_leaves_the_others_as_they_were() -> None:
    before = create_world(scenario.load_scenario("demo"), 3_000, 3)
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
    for name, frame in create_world(plan, 1_000, 4).iter_tables():
        for column in ("created_at", "status_changed_at", "first_seen", "last_seen", "hour"):
            if column in frame.columns:
                moments = frame[column].dt.epoch("s").drop_nulls()
                assert moments.max() <= plan.end, (name, column)
                assert moments.min() >= plan.start, (name, column)
