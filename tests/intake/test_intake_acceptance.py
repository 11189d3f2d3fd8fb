"""Nothing loaded is an error: its own code, the commonest reason, an example without a value, and nothing written."""

from pathlib import Path

import pytest
from command import Done, run_command
from costly import HALF
from exports import TOKENS, write
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import NothingLoaded, SettingsError
from graphsvc.intake import read_bundle
from graphsvc.intake.acceptance import MAX_REJECTED, check_loaded, parse_share
from graphsvc.store import Store

SESSIONS = "account_id,ip,first_seen,last_seen\n"
GOOD = "a,192.0.2.1,2024-01-05,2024-01-06\n"
BAD = "a,canary@leak.example,2024-01-05,2024-01-06\n"


def check(path: Path, files: dict[str, str], max_rejected: float = MAX_REJECTED) -> str | None:
    """Return the error of a bundle, or None if it may be loaded."""
    columns = read_bundle(write(path, files), TOKENS)
    try:
        check_loaded(columns.split(), max_rejected, Path("dead.ndjson"))
    except NothingLoaded as error:
        return str(error)
    return None


ACCOUNTS = {"accounts.csv": "account_id,created_at\na,2024-01-05\n"}


def test_every_row_of_a_table_rejected(tmp_path: Path) -> None:
    text = check(
        tmp_path, {"accounts.csv": "account_id,created_at\ncanary,soon\nb,4111 1111 1111 1111\n"}, 1.0
    )
    assert text is not None
    assert "accounts keeps 0 of 2 rows" in text
    assert "created_at: not_a_time (2 rows), for example row 1 of accounts.csv" in text
    assert "'aaaa'" in text
    assert "Export created_at as ISO 8601" in text
    assert "dead.ndjson" in text
    assert "canary" not in text
    assert "4111" not in text


def test_any_table_that_has_rows_must_keep_some(tmp_path: Path) -> None:
    text = check(tmp_path, {**ACCOUNTS, "sessions.csv": SESSIONS + BAD}, 1.0)
    assert text is not None
    assert "sessions keeps 0 of 1 rows" in text
    assert "canary" not in text
    assert check(tmp_path / "empty", {**ACCOUNTS, "sessions.csv": SESSIONS}) is None


@pytest.mark.parametrize(
    "files",
    [
        {"accounts.csv": "account_id,created_at\n"},
        {"accounts.json": "[]"},
        {"accounts.ndjson": ""},
        {"accounts.csv": "account_id,created_at,,\n,,,\n,,,\n"},
        {"accounts.csv": "account_id,created_at\n", "sessions.csv": ""},
    ],
)
def test_a_bundle_without_a_row(tmp_path: Path, files: dict[str, str]) -> None:
    text = check(tmp_path, files)
    assert text is not None
    assert "no row in accounts" in text


def test_a_day_without_a_sign_up_still_brings_its_sessions(tmp_path: Path) -> None:
    assert (
        check(tmp_path, {"accounts.csv": "account_id,created_at\n", "sessions.csv": SESSIONS + GOOD}) is None
    )


def test_rows_of_forgotten_accounts_are_no_fault_of_the_export(tmp_path: Path) -> None:
    columns = read_bundle(write(tmp_path, ACCOUNTS), TOKENS, forgotten=lambda ids: ids)
    assert columns.dead_letters["reason"].to_list() == ["forgotten_account"]
    check_loaded(columns.split(), 0.0, None)


@HALF
@given(st.integers(0, 20), st.integers(0, 20), st.sampled_from([0.0, 0.2, 0.5, 1.0]))
def test_the_share_decides_and_half_is_the_default(good: int, bad: int, share: float) -> None:
    import tempfile

    rows = good + bad
    with tempfile.TemporaryDirectory() as folder:
        text = check(Path(folder), {**ACCOUNTS, "sessions.csv": SESSIONS + GOOD * good + BAD * bad}, share)
    refused = rows > 0 and (good == 0 or bad / rows > share)
    assert (text is not None) == refused
    if refused and good:
        assert "--max-rejected" in str(text)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.2", 0.2), ("20%", 0.2), ("20", 0.2), ("0", 0.0), ("100%", 1.0), ("1", 1.0), ("0.5%", 0.005)],
)
def test_a_share_in_each_way(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "half", "-1", "101", "120%", "nan"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(SettingsError, match="--max-rejected"):
        parse_share(text)


def load(*words: object) -> Done:
    return run_command("load", *words)


@pytest.mark.usefixtures("cli_environment")
def test_the_command_ends_with_its_own_status_and_writes_nothing(database: Store, tmp_path: Path) -> None:
    bundle = write(tmp_path, {"accounts.csv": "account_id,created_at\na,soon\nb,soon\nc,2024-01-05\n"})
    done = load(bundle)
    assert done.returncode == 1
    assert "accounts keeps 1 of 3 rows" in done.stderr
    assert "not_a_time" in done.stderr
    assert "Written" not in done.stdout
    assert database.read("load/known_accounts", ids=["a", "b", "c"]) == []
    assert load(bundle, "--max-rejected", "70%").returncode == 0
    assert [row["id"] for row in database.read("load/known_accounts", ids=["a", "b", "c"])] == ["c"]
    assert load(bundle, "--max-rejected", "lots").returncode == 2


@pytest.mark.usefixtures("cli_environment", "database")
def test_the_summary_says_how_files_were_read_and_what_became_null(tmp_path: Path) -> None:
    rows = "".join(f"a{n};05/01/2024 10:00;NOPE;4.47E+11\n" for n in range(12))
    bundle = write(
        tmp_path,
        {"accounts.csv": "account_id;created_at;signup_device;phone\n" + rows, "prompt.csv": "x"},
    )
    done = load(bundle, "--dates", "day-first")
    assert done.returncode == 0, done.stderr
    for text in (
        "prompt.csv is not read; did you mean prompts.csv?", "accounts.csv: separated by semicolons",
        "created_at written day first", "Times without a zone are read as UTC: accounts.created_at.",
        "12 of accounts.phone: lost_digits (first: row 1 of accounts.csv, looks like '9.99a+99')",
        "Suspicious device device:",
    ):  # fmt: skip
        assert text in done.stdout, text
    assert "NOPE" not in done.stdout
    again = load(bundle, "--dates", "day-first", "--null-word", "nope")
    assert "12 of accounts.signup_device: null_word" in again.stdout
    assert "Suspicious" not in again.stdout
