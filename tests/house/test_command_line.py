"""Promise: exit status 0 only when all of it worked, 1 for a named failure, 2 for a wrong call, 130; no tracebacks."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import ring_bundle

import graphsvc
from graphsvc import errors
from graphsvc.campaigns.score import TIME
from graphsvc.cli.detect import TimeEvidence
from graphsvc.store import Store

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "words",
    [
        ["load"], ["load", "/nonexistent"], ["detect", "--engine", "abacus"], ["detect", "--seed", "x"], ["nothing"],
        ["evaluate", "--truth", "/nonexistent"], ["keys", "create"], ["export", "members"], ["seed", "--accounts", "0"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_call_ends_with_2(words: list[str]) -> None:
    done = run_command(*words)
    assert (done.returncode, bool(done.stderr)) == (2, True)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(["--version"], 0, "graphsvc 0."), (["load", "/nonexistent"], 2, "nonexistent")],
)
def test_a_process_of_its_own_ends_as_one_inside_ours(words: list[str], status: int, said: str) -> None:
    command = [sys.executable, "-m", "graphsvc", *words]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (alone.returncode, said in alone.stdout + alone.stderr) == (status, True)
    within = run_command(*words)
    assert (within.returncode, within.stdout) == (alone.returncode, alone.stdout)


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["load", "--help"], ["neo4j", "--help"]], ids=" ".join
)
def test_help_comes_at_once_since_a_command_imports_what_it_needs_when_it_runs(words: list[str]) -> None:
    """Counts imports, which do not depend on what else the machine does. All libraries together are 2,500 modules."""
    counting = "import sys, graphsvc.cli as cli; sys.argv = ['graphsvc', *sys.argv[1:]]\n"
    counting += "try: cli.main()\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", counting, *words], capture_output=True, text=True, check=False
    )
    assert "graphsvc" in done.stdout
    names = done.stderr.split()
    slow = {
        "numpy",
        "polars",
        "scipy",
        "pandas",
        "neo4j",
        "fastapi",
        "pydantic_settings",
        "networkit",
        "cryptography",
    }
    assert not slow & set(names)
    assert len(names) < 500


def list_errors() -> list[type[errors.GraphsvcError]]:
    """Import every module and list the family of errors."""
    for module in pkgutil.walk_packages(graphsvc.__path__, "graphsvc."):
        if not module.name.endswith((".__main__", "server.train")):
            importlib.import_module(module.name)
    family = [errors.GraphsvcError]
    for each in family:
        family += each.__subclasses__()
    return family


def test_there_are_four_exit_statuses_and_help_and_docs_say_them() -> None:
    assert {each.exit_status for each in list_errors()} == {1, 2, 130}
    text = " ".join(run_command("--help").stdout.split())
    assert "Exit status: 0 all of it worked, 1 a failure" in text
    assert "2 a wrong call or setting, 130 it was stopped" in text
    section = (ROOT / "docs" / "operations.md").read_text().split("## Exit statuses")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", section, re.MULTILINE) == ["0", "1", "2", "130"]


def test_no_module_keeps_an_error_that_it_raises() -> None:
    # An exception that is raised twice carries the traceback and the context of the first time.
    list_errors()
    kept = [
        f"{name}.{key}"
        for name, module in list(sys.modules.items())
        if name.startswith("graphsvc")
        for key, value in vars(module).items()
        if isinstance(value, BaseException)
    ]
    assert kept == []


@pytest.mark.usefixtures("database", "cli_environment")
def test_an_empty_installation_is_named(tmp_path: Path) -> None:
    done = run_command("detect")
    assert done.returncode == 1
    assert "graphsvc load" in done.stderr
    (tmp_path / "empty").mkdir()
    done = run_command("load", tmp_path / "empty")
    assert done.returncode == 1
    assert "accounts" in done.stderr


@pytest.mark.usefixtures("cli_environment")
def test_the_whole_road_by_hand(database: Store, tmp_path: Path) -> None:
    bundle = ring_bundle(tmp_path / "bundle")
    assert run_command("load", bundle).returncode == 0
    again = run_command("load", bundle)
    assert "loaded before" in again.stdout
    assert run_command("detect", "--seed", 7).returncode == 0
    figures = json.loads(run_command("evaluate", "--truth", bundle / "truth.parquet", "--json").stdout)
    assert figures["precision"]["rate"] == figures["recall"]["rate"] == 1.0
    assert figures["stated_false_positives"]["low"] == 0.0
    assert "account precision" in run_command("evaluate", "--truth", bundle / "truth.parquet").stdout

    assert run_command("export", "members", "--out", tmp_path / "m.parquet").returncode == 0
    assert run_command("export", "members", "--out", tmp_path / "m.csv").returncode == 0
    members = pl.read_parquet(tmp_path / "m.parquet")
    assert members.columns == ["cluster_id", "account_id", "membership", "cluster_score", "status"]
    assert members.height == pl.read_csv(tmp_path / "m.csv").height == 24
    assert members["membership"].is_between(0, 1).all()
    for form in ("json", "csv", "parquet"):
        assert run_command("export", "clusters", "--out", tmp_path / f"c.{form}").returncode == 0
    clusters = json.loads((tmp_path / "c.json").read_text())
    assert [cluster["size"] for cluster in clusters] == [12, 12]
    assert run_command("export", "members", "--out", tmp_path / "m.xlsx").returncode == 1


@pytest.mark.usefixtures("cli_environment")
def test_the_same_graph_and_seed_give_the_same_bytes(database: Store, tmp_path: Path) -> None:
    assert run_command("load", ring_bundle(tmp_path / "bundle")).returncode == 0
    written = []
    for number in (1, 2):
        assert run_command("detect").returncode == 0
        out = tmp_path / f"{number}.parquet"
        assert run_command("export", "members", "--out", out).returncode == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_what_can_be_left_out_of_a_run_is_all_evidence_from_time() -> None:
    assert [part.value for part in TimeEvidence] == list(TIME)
