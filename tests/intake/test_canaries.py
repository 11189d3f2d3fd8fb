"""Promise: a broken row costs a row and is named; no card number and no raw e-mail is in anything that is written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from broken_bundle import CANARIES, E_MAILS, write
from command import Done, run_command

from graphsvc.store import Store

# The domain of an address is a signal and stands in clear; what stands before the @ must not.
FORBIDDEN = [*CANARIES, *E_MAILS]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_thousand_broken_rows_through_the_command(
    database: Store, cli_environment: Path, tmp_path: Path, form: str
) -> None:
    expected = write(tmp_path / "bundle", broken=1000, form=form)
    if form == "csv":  # a process of its own also prints what libraries print
        command = [sys.executable, "-m", "graphsvc", "load", str(tmp_path / "bundle")]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        done = Done(process.returncode, process.stdout, process.stderr)
    else:
        done = run_command("load", tmp_path / "bundle")
    assert done.returncode == 0, done.stderr
    assert "1,000 dead letters" in done.stdout

    files = sorted((cli_environment / "dead-letters").glob("*.ndjson"), key=lambda file: file.stat().st_mtime)
    letters = [json.loads(line) for line in files[-1].read_text(encoding="utf-8").splitlines()]
    named = {(letter["table"], letter["row"], letter["column"], letter["reason"]) for letter in letters}
    assert len(letters) == 1000
    assert named == {(broken.table, broken.row, broken.column, broken.reason) for broken in expected}
    assert database.read("maintenance/count_accounts") == [{"accounts": 500}]

    written = {
        "database": "\n".join(str(values) for (values,) in database.stream("tests/all_values")),
        "output": done.stdout + done.stderr,
    }
    texts = [
        *cli_environment.glob("dead-letters/*"),
        *cli_environment.rglob("*.log"),
        *cli_environment.rglob("*.json"),
    ]
    written |= {
        str(file): file.read_text(encoding="utf-8", errors="replace") for file in texts if file.is_file()
    }
    assert len(written) > 3
    found = [(where, canary) for where, text in written.items() for canary in FORBIDDEN if canary in text]
    assert not found


def test_the_store_files_hold_no_canary(database: Store, cli_environment: Path, tmp_path: Path) -> None:
    """The files of the database themselves, transaction logs included, as bytes."""
    write(tmp_path / "bundle", broken=1000, form="csv")
    assert run_command("load", "--again", tmp_path / "bundle").returncode == 0
    files = [file for file in (cli_environment / "neo4j").rglob("*") if file.is_file()]
    assert any("neostore" in file.name or file.suffix == ".db" for file in files)
    forbidden = [canary.encode() for canary in FORBIDDEN]
    found = [
        (file.name, canary)
        for file in files
        if file.stat().st_size
        # Logs are made at their full length: what is yet to be written is half a gigabyte of zeros.
        for content in [file.read_bytes().rstrip(b"\0")]
        for canary in forbidden
        if canary in content
    ]
    assert not found
