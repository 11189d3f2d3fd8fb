"""`graphsvc load --explain` and `--write-mapping`: what would be read as what, and no value of it."""

import re
from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import write_bundle

from graphsvc.intake import read_bundle
from graphsvc.intake.options import make_options
from graphsvc.intake.schemas import list_columns
from graphsvc.signals.tokens import Tokeniser
from graphsvc.sources.guess import Confidence, guess_columns
from graphsvc.sources.mapping import build_map

TIMES = ("2026-03-01T10:00:00Z", "2026-03-02T11:00:00Z")
USERS = [
    {
        "user_id": f"u{number}",
        "SignupTime": TIMES[number % 2],
        "mail": f"jane.doe{number}@example.com",
        "ip_address": f"203.0.113.{number}",
        "phoneNumber": f"+49 170 12345{number:02}",
        "plan": "pro",
        "comment": "met Jane Doe",
        "fingerprint": "4111111111111111",
    }
    for number in range(8)
]
LOGINS = [
    {
        "uid": f"u{number}",
        "client_ip": f"198.51.100.{number}",
        "started": TIMES[0],
        "ended": TIMES[1],
        "hits": 2,
    }
    for number in range(8)
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An export with names of its own, and a file that is no table."""
    folder = write_bundle(tmp_path / "export", users=USERS, logins=LOGINS)
    (folder / "notes.md").write_text("Jane Doe")
    return folder


def test_explaining_needs_no_database_and_shows_no_value(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path / "fresh"))
    done = run_command("load", "--explain", source)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "fresh").exists()
    for line in (
        "users.ndjson: not read; it may be the table accounts",
        "account_id        not mapped; maybe user_id (sure)",
        "created_at        not mapped; maybe SignupTime (sure)",
        "plan              plan (exact)",
        "MISSING:   account_id, created_at",
        "notes.md: not read, it is no table.",
        "No table accounts is recognized",
        "Nothing was loaded.",
    ):
        assert line in done.stdout
    for row in (*USERS, *LOGINS):
        for name, value in row.items():
            if name not in ("plan", "hits"):
                assert str(value) not in done.stdout
    assert "Doe" not in done.stdout
    assert "4111" not in done.stdout
    assert "9999999999999999" not in done.stdout  # nor how long the number of a card is
    assert done.stdout.count("aaaa.aaa9@aaaaaaa.aaa") == 5


def test_the_mapping_that_is_written_loads(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "mapping.toml"
    done = run_command("load", source, "--write-mapping", target)
    assert done.returncode == 0, done.stderr
    text = target.read_text(encoding="utf-8")
    assert 'created_at = "SignupTime"  # sure' in text
    tokens = Tokeniser(b"k" * 32, "k1")
    read = read_bundle(source, tokens, options=make_options([], names=build_map([], target)))
    plain = write_bundle(
        tmp_path / "plain",
        accounts=[
            {
                "account_id": row["user_id"],
                "created_at": row["SignupTime"],
                "email": row["mail"],
                "signup_ip": row["ip_address"],
                "phone": row["phoneNumber"],
                "plan": row["plan"],
            }
            for row in USERS
        ],
        sessions=[
            {
                "account_id": row["uid"],
                "ip": row["client_ip"],
                "first_seen": row["started"],
                "last_seen": row["ended"],
                "requests": row["hits"],
            }
            for row in LOGINS
        ],
    )
    expected = read_bundle(plain, tokens)
    named = {kind: edges for kind, edges in read.edges.items() if kind in expected.edges}
    assert read.accounts.equals(expected.accounts)
    assert all(named[kind].equals(expected.edges[kind]) for kind in expected.edges)
    again = run_command("load", "--explain", source, "--mapping", target)
    assert "MISSING" not in again.stdout
    assert "created_at        SignupTime (mapped)" in again.stdout


def test_a_name_in_the_mapping_that_is_not_there_is_shown_with_what_may_be_meant(
    source: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text('[tables]\naccounts = "users"\n[accounts]\ncreated_at = "signup_tim"\n')
    done = run_command("load", "--explain", source, "--mapping", tmp_path / "m.toml")
    assert (
        "created_at        mapped to signup_tim, which is not there; maybe SignupTime (sure)" in done.stdout
    )
    assert re.search(r"MISSING: +account_id, created_at", done.stdout)


@pytest.mark.parametrize(
    ("missing", "name", "values", "confidence"),
    [
        ("created_at", "joined_at", TIMES, Confidence.SURE),
        ("created_at", "wann", TIMES, Confidence.GUESS),
        ("created_at", "joined_at", ("x", "y"), None),
        ("signup_ip", "from", ("203.0.113.7", "2001:db8::1"), Confidence.GUESS),
        ("email", "login", ("a@example.com", "b@example.org"), Confidence.GUESS),
        ("display_name", "nick_name", ("Jane", "Bob"), Confidence.SURE),
        ("display_name", "shoe", ("red", "blue"), None),
        ("created_at", "amount", (12, 99), None),
        ("created_at", "zeit", (1_772_000_000, 1_773_000_000), Confidence.GUESS),
    ],
)
def test_guesses_go_by_name_and_by_form(
    missing: str, name: str, values: tuple[object, ...], confidence: Confidence | None
) -> None:
    found = guess_columns(list_columns("accounts"), [missing], pl.DataFrame({name: values}))
    assert (found[missing].confidence if missing in found else None) == confidence


def test_each_column_is_guessed_once() -> None:
    sample = pl.DataFrame({"created": TIMES, "updated": TIMES})
    found = guess_columns(list_columns("accounts"), ["created_at", "status_changed_at"], sample)
    assert found["created_at"].theirs == "created"
    assert found["status_changed_at"].theirs == "updated"


def test_an_empty_table_and_one_without_a_header_are_explained(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id,created_at\n")
    (folder / "sessions.csv").write_text(
        "u1,jane@example.com,2026-03-01T10:00:00Z\nu2,bob@example.com,2026-03-01\n"
    )
    done = run_command("load", "--explain", folder)
    assert done.returncode == 0, done.stderr
    assert "accounts.csv: read as the table accounts (0 rows looked at)" in done.stdout
    assert "jane@" not in done.stdout
