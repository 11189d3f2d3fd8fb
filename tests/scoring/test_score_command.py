"""Promise: each run leaves what sign-ups are scored against, and `graphsvc score` weighs a table against it."""

import json
from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import ring_bundle

from graphsvc.files import PRIVATE
from graphsvc.loading import load_bundle
from graphsvc.scoring.files import IndexFiles
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.published import read_members
from graphsvc.store.runs import read_published_run

REPLACEMENT = {
    "account_id": "new-1", "created_at": "2026-03-02T05:06:00Z", "instrument": "fp_ring0_1", "device": "dev_ring0_1",
    "ip": "203.0.0.2",
}  # fmt: skip
STRANGER = {
    "account_id": "new-2", "created_at": "2026-03-02T07:06:00Z", "instrument": "fp_mine", "device": "dev_mine",
    "ip": "198.51.100.7",
}  # fmt: skip


def detect_ring(store: Store, installation: Settings, directory: Path) -> str:
    """Load a ring and detect it by the command line; return the run."""
    load_bundle(
        store, ring_bundle(directory / "bundle"), load_or_create_key(installation), directory / "dead"
    )
    done = run_command("detect")
    assert done.returncode == 0, done.stderr
    run = read_published_run(store)
    assert run is not None
    return run.id


@pytest.mark.usefixtures("cli_environment")
def test_a_table_is_scored_against_what_the_last_run_published(
    database: Store, installation: Settings, tmp_path: Path
) -> None:
    run = detect_ring(database, installation, tmp_path)
    files = IndexFiles(installation.score_dir)
    assert files.find_current() == run
    table = tmp_path / "signups.csv"
    pl.DataFrame([REPLACEMENT, STRANGER]).write_csv(table)
    done = run_command("score", table, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    assert f"2 sign-ups scored against the run {run}: 1 allow, 1 review." in done.stderr
    replacement, stranger = (json.loads(line) for line in done.stdout.splitlines())
    members = read_members(database)
    (ring,) = members.filter(pl.col("account_id") == "acct-00000")["cluster_id"]
    assert replacement["account_id"] == "new-1"
    assert replacement["recommendation"] == "review"
    assert replacement["matches"][0]["cluster"] == ring
    assert replacement["matches"][0]["membership"] > 0.9
    assert (stranger["recommendation"], stranger["matches"]) == ("allow", [])
    # The other forms say the same; a file appears complete.
    out = tmp_path / "scores.csv"
    assert run_command("score", table, "--format", "csv", "--out", out).returncode == 0
    assert pl.read_csv(out)["recommendation"].to_list() == ["review", "allow"]
    assert out.stat().st_mode & 0o777 == PRIVATE
    shown = run_command("score", table, "--review-from", 1, "--challenge-from", 1).stdout
    assert [line.split()[0] for line in shown.splitlines()] == ["recommendation", "allow", "allow"]
    # A run without the moment of sign-up leaves an index without it, and switches to it.
    done = run_command("detect", "--without", "signup")
    assert done.returncode == 0, done.stderr
    assert files.find_current() != run
    assert not len(files.load().moments)
    assert [path.name for path in installation.score_dir.iterdir() if path.is_dir()] == [files.find_current()]


@pytest.mark.usefixtures("cli_environment")
def test_a_run_that_fails_leaves_the_index_as_it_was(
    database: Store, installation: Settings, tmp_path: Path
) -> None:
    run = detect_ring(database, installation, tmp_path)
    database.run_autocommit("bench/wipe")
    assert run_command("detect").returncode == 1  # there are no accounts
    assert IndexFiles(installation.score_dir).load().run == run


def test_without_a_run_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path / "fresh"))
    table = tmp_path / "signups.csv"
    pl.DataFrame([STRANGER]).write_csv(table)
    done = run_command("score", table)
    assert (done.returncode, done.stdout) == (1, "")
    assert "graphsvc detect" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("signups.xlsx", "PK", "Use one of .csv"),
        ("signups.csv", "a,b\n1,2\n", "has no column of a sign-up"),
        ("signups.ndjson", "nothing\n", ""),
    ],
)
def test_a_table_that_is_none_is_named(
    name: str, content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_score_answers import known_index

    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path / "data"))
    files = IndexFiles(tmp_path / "data" / "score")
    files.keep(known_index())
    files.switch("r1")
    (tmp_path / name).write_text(content)
    done = run_command("score", tmp_path / name)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if said else 0)
