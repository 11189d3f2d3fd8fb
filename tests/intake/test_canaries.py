"""Promise: a broken row costs a row and is named; no card number and no raw e-mail is in anything that is written."""

import json
import re
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

    # The files of the database themselves, transaction logs included, as bytes.
    contents = {file: file.read_bytes() for file in (cli_environment / "neo4j").rglob("*") if file.is_file()}
    assert any("neostore" in file.name or file.suffix == ".db" for file in contents)
    # Neo4j packs texts of up to some thirty characters. A longer one is found, as a canary in one would be.
    key = re.search(r"\b[a-z_]+:\w+\.[\w-]{28}", written["database"])
    assert key is not None
    assert any(key[0].encode() in content for content in contents.values())
    forbidden = [canary.encode() for canary in FORBIDDEN]
    assert not [(file, each) for file, content in contents.items() for each in forbidden if each in content]
