"""Loads from a database by queries: the same graph as from a folder, and only what is new the next time.

SQLite here, since it needs no server; `test_postgresql.py` has a real one.
"""

from datetime import UTC, datetime
from pathlib import Path

import adbc_driver_sqlite.dbapi
import polars as pl
import pytest
from command import run_command
from graphs import checksum_content, write_bundle

from graphsvc.errors import MappingError, SourceError
from graphsvc.loading import LoadReport, load_bundle, load_queries
from graphsvc.model.marks import Mark, MarkKind, build_mark
from graphsvc.signals.tokens import Tokeniser
from graphsvc.sources.places import SourceKind, find_kind, strip_secrets
from graphsvc.sources.queries import Query, QueryFile, read_queries
from graphsvc.sources.sql import SqlSource
from graphsvc.store import Store
from graphsvc.store.sources import read_marks

TIME = "2026-03-01T10:00:00Z"
START = build_mark(0, "version")
QUERIES = QueryFile(
    (
        Query("accounts", "SELECT * FROM users WHERE version > ?", "version", START),
        Query("sessions", "SELECT user_id AS account_id, * FROM logins WHERE version > ?", "version", START),
    ),
    "crm",
)


def account(number: int) -> dict[str, object]:
    return {"account_id": f"a{number}", "created_at": TIME, "email": f"a{number}@example.com"}


def session(number: int, ip: str) -> dict[str, object]:
    return {"ip": ip, "first_seen": TIME, "last_seen": TIME, "requests": number}


def insert(file: Path, table: str, rows: list[dict[str, object]], first: int) -> None:
    """Add rows to a table, with versions from `first` on."""
    frame = pl.DataFrame(rows).with_columns(version=pl.int_range(first, first + len(rows)))
    with adbc_driver_sqlite.dbapi.connect(str(file)) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, frame.to_arrow(), mode="create_append")
        connection.commit()


def load(store: Store, file: Path, tokens: Tokeniser, folder: Path, *, again: bool = False) -> LoadReport:
    return load_queries(store, SqlSource(f"sqlite://{file}", QUERIES), tokens, folder / "dead", again=again)


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    """A database with ten users and the session of each."""
    file = tmp_path / "crm.db"
    insert(file, "users", [account(number) for number in range(10)], 1)
    insert(file, "logins", [{"user_id": f"a{n}", **session(n, f"203.0.113.{n // 2}")} for n in range(10)], 1)
    return file


def test_a_load_is_the_same_graph_as_from_a_folder(
    database: Store, tokens: Tokeniser, tmp_path: Path, crm: Path
) -> None:
    folder = write_bundle(
        tmp_path / "folder",
        accounts=[account(number) for number in range(10)],
        sessions=[{"account_id": f"a{n}", **session(n, f"203.0.113.{n // 2}")} for n in range(10)],
    )
    load_bundle(database, folder, tokens, tmp_path / "dead")
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    report = load(database, crm, tokens, tmp_path)
    assert [(table.table, table.read) for table in report.tables] == [("accounts", 10), ("sessions", 10)]
    assert checksum_content(database) == plain


def test_the_next_load_reads_what_is_new(
    database: Store, tokens: Tokeniser, tmp_path: Path, crm: Path
) -> None:
    load(database, crm, tokens, tmp_path)
    ten = Mark(MarkKind.INTEGER, "10", "version")
    assert read_marks(database, "crm") == {"accounts": ten, "sessions": ten}
    nothing = load(database, crm, tokens, tmp_path)
    assert nothing.already_loaded
    assert sum(table.read for table in nothing.tables) == 0
    # Sessions of an account that only the database knows, and no account at all.
    insert(crm, "logins", [{"user_id": "a3", **session(7, "198.51.100.1")}], 11)
    more = load(database, crm, tokens, tmp_path)
    assert [(table.table, table.read, table.rejected) for table in more.tables] == [
        ("accounts", 0, 0),
        ("sessions", 1, 0),
    ]
    assert read_marks(database, "crm")["sessions"].value == "11"
    # All of it once more changes nothing.
    before = checksum_content(database)
    again = load(database, crm, tokens, tmp_path, again=True)
    assert sum(table.read for table in again.tables) == 21
    assert checksum_content(database) == before


def test_a_killed_load_whose_rows_changed_is_closed_by_the_next(
    database: Store, tokens: Tokeniser, tmp_path: Path, crm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "graphsvc.loading.online.place_addresses", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            load(database, crm, tokens, tmp_path)
    assert read_marks(database, "crm") == {}
    assert (
        not database.read("detect/watermark")[0:1] or database.read("detect/watermark")[0]["number"] is None
    )
    insert(crm, "users", [account(10)], 11)
    load(database, crm, tokens, tmp_path)
    # No load is open, so the next run takes all for read.
    assert database.read("detect/watermark")[0]["number"] == 2
    assert read_marks(database, "crm")["accounts"].value == "11"
    whole = checksum_content(database)
    # Rows as they were for the one that was killed: it is not taken for a complete one.
    with adbc_driver_sqlite.dbapi.connect(str(crm)) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM users WHERE version = 11")
        connection.commit()
    report = load(database, crm, tokens, tmp_path, again=True)
    assert not report.already_loaded
    assert sum(report.written.values()) > 20
    assert checksum_content(database) == whole


def test_of_two_loads_at_once_one_commits(
    database: Store, tokens: Tokeniser, tmp_path: Path, crm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphsvc.loading import queries

    begin = queries.begin_load

    def overtake(*given: object, **named: object) -> object:
        monkeypatch.setattr(queries, "begin_load", begin)
        insert(crm, "users", [account(11)], 12)
        load(database, crm, tokens, tmp_path)
        return begin(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "begin_load", overtake)
    with pytest.raises(SourceError, match="Another load of crm committed"):
        load(database, crm, tokens, tmp_path)
    assert read_marks(database, "crm")["accounts"].value == "12"
    load(database, crm, tokens, tmp_path)
    assert database.read("detect/watermark")[0]["number"] is not None


def test_a_mark_goes_back_by_its_overlap_and_starts_over_with_another_column() -> None:
    start = build_mark(datetime(2020, 1, 1, tzinfo=UTC), "updated_at")
    query = Query("accounts", "SELECT 1 WHERE $1", "updated_at", start, overlap=60)
    assert query.find_start({}) == datetime(2020, 1, 1, tzinfo=UTC)
    kept = build_mark(datetime(2026, 3, 1, 10, tzinfo=UTC), "updated_at")
    assert query.find_start({"accounts": kept}) == datetime(2026, 3, 1, 9, 59, tzinfo=UTC)
    assert query.find_start({"accounts": build_mark(7, "id")}) == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no query"),
        ("[users]\nquery='x'", "Did you mean"),
        ("[accounts]\nqery='x'", "has no query"),
        ("[accounts]\nquery='x'\nmrak='y'", "Did you mean mark"),
        ("[accounts]\nquery='x'\nstart=1", "no mark"),
        ("[accounts]\nquery='x > $1'\nmark='y'", "needs a start"),
        ("[accounts]\nquery='x'\nmark='y'\nstart=1", "takes no parameter"),
        ("[accounts]\nquery='x > $1'\nmark='y'\nstart=1\noverlap='5m'", "no number of seconds"),
        ("name=3\n[accounts]\nquery='x'", "name is no text"),
    ],
)
def test_a_faulty_query_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "q.toml").write_text(text)
    with pytest.raises(MappingError, match=said.replace("[", r"\[")):
        read_queries(tmp_path / "q.toml")


@pytest.mark.parametrize(
    ("source", "kind", "shown"),
    [
        ("exports/", SourceKind.FOLDER, "exports/"),
        ("s3://bucket/a", SourceKind.OBJECTS, "s3://bucket/a"),
        ("postgresql://u:secret@db:5432/app?sslpassword=secret", SourceKind.SQL, "postgresql://db:5432/app"),
        ("kafka://u:secret@b:9092/topic", SourceKind.KAFKA, "kafka://b:9092/topic"),
    ],
)
def test_sources_are_told_by_their_scheme_and_shown_without_secrets(
    source: str, kind: SourceKind, shown: str
) -> None:
    assert find_kind(source) is kind
    assert strip_secrets(source) == shown


def test_the_command_explains_queries_and_says_what_is_wrong(
    tmp_path: Path, crm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path / "fresh"))
    file = tmp_path / "queries.toml"
    file.write_text('[accounts]\nquery = "SELECT account_id AS uid, created_at, email FROM users"\n')
    done = run_command("load", "--explain", f"sqlite://{crm}", "--query-file", file)
    assert done.returncode == 0, done.stderr
    assert "account_id        not mapped; maybe uid (sure)" in done.stdout
    assert "@example.com" not in done.stdout
    assert not (tmp_path / "fresh").exists()
    file.write_text('[accounts]\nquery = "SELECT nothing FROM users"\n')
    wrong = run_command("load", "--explain", f"sqlite://{crm}", "--query-file", file)
    assert wrong.returncode == 1
    assert "refuses the query of accounts" in wrong.stderr
    assert "nothing" in wrong.stderr
    assert run_command("load", f"sqlite://{crm}").returncode == 2
    assert run_command("load", tmp_path, "--query-file", file).returncode == 2
    assert run_command("load", f"sqlite://{crm}", "--query-file", file, "--bulk").returncode == 2
    missing = run_command("load", "--explain", "oracle://db/x", "--query-file", file)
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)
