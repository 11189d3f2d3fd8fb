"""Loads from a real PostgreSQL: the same graph as from a folder, also after kills, and no password anywhere."""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import adbc_driver_postgresql.dbapi
import polars as pl
import pytest
from command import run_command
from graphs import checksum_content, ring_bundle, write_bundle
from killing import run_killed, was_killed
from servers import run_postgres

from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.sources import read_marks

pytestmark = pytest.mark.sources
PASSWORD = "s3cret-of-the-reader"
QUERIES = """
name = "app"
[accounts]
query = "SELECT * FROM accounts WHERE updated_at > $1"
mark = "updated_at"
start = 1970-01-01T00:00:00Z
[payments]
query = "SELECT * FROM payments WHERE updated_at > $1"
mark = "updated_at"
start = 1970-01-01T00:00:00Z
[sessions]
query = '''SELECT account_id, ip::inet AS ip, device, first_seen, last_seen, requests, number
FROM sessions WHERE number > $1'''
mark = "number"
start = 0
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL with a user who has a password."""
    with run_postgres(PASSWORD) as address:
        yield address


def execute(address: str, *statements: str) -> None:
    with adbc_driver_postgresql.dbapi.connect(address) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def fill(address: str, bundle: Path, since: str = "2026-03-01T00:00:00Z") -> None:
    """Write a bundle's tables into the database, whose schema is emptied first."""
    execute(address, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    at = datetime.fromisoformat(since).astimezone(UTC)
    with adbc_driver_postgresql.dbapi.connect(address) as connection, connection.cursor() as cursor:
        for table in ("accounts", "payments", "sessions"):
            frame = pl.read_ndjson(bundle / f"{table}.ndjson", infer_schema_length=None)
            times = [name for name in frame.columns if name.endswith(("_at", "_seen"))]
            frame = frame.with_columns(
                pl.col(times).str.to_datetime(time_zone="UTC"),
                updated_at=pl.lit(at) + pl.duration(seconds=pl.int_range(pl.len())),
                number=pl.int_range(1, pl.len() + 1),
            )
            cursor.adbc_ingest(table, frame.to_arrow(), mode="create")
        connection.commit()


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    (tmp_path / "queries.toml").write_text(QUERIES)
    return tmp_path / "queries.toml"


@pytest.mark.usefixtures("cli_environment")
def test_a_load_is_the_same_graph_as_from_a_folder_and_then_there_is_nothing_new(
    database: Store, postgres: str, queries: Path, tmp_path: Path, installation: Settings
) -> None:
    bundle = ring_bundle(tmp_path / "bundle")
    load_bundle(database, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    fill(postgres, bundle)
    done = run_command("load", postgres, "--query-file", queries)
    assert done.returncode == 0, done.stderr
    assert checksum_content(database) == plain
    assert "sessions is read up to number 424." in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    again = run_command("load", postgres, "--query-file", queries)
    assert "Nothing new; nothing was written." in again.stdout
    assert read_marks(database, "app")["sessions"].value == "424"


@pytest.mark.usefixtures("cli_environment")
def test_days_loaded_one_by_one_are_the_graph_of_all(
    database: Store, postgres: str, queries: Path, tmp_path: Path, installation: Settings
) -> None:
    def day(number: int) -> dict[str, list[dict[str, object]]]:
        at = f"2026-03-{number + 1:02}T10:00:00Z"
        names = [f"a{number}-{n}" for n in range(20)]
        seen = {"first_seen": at, "last_seen": at}
        return {
            "accounts": [{"account_id": name, "created_at": at} for name in names],
            "payments": [
                {"account_id": n, "instrument": f"fp{number}", "kind": "card", **seen} for n in names
            ],
            # The same pairs each day, also of accounts that were loaded before.
            "sessions": [
                {"account_id": f"a0-{n}", "ip": "203.0.113.9", "requests": n, **seen} for n in range(20)
            ],
        }

    days = [day(number) for number in range(3)]
    whole = {name: [row for each in days for row in each[name]] for name in days[0]}
    load_bundle(
        database,
        write_bundle(tmp_path / "all", **whole),
        load_or_create_key(installation),
        installation.dead_letters_dir,
    )
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    text = QUERIES.replace("ip::inet AS ip, device,", "ip::inet AS ip,")
    queries.write_text(text)
    for number in range(3):
        so_far = {name: [row for each in days[: number + 1] for row in each[name]] for name in days[0]}
        fill(postgres, write_bundle(tmp_path / f"day{number}", **so_far))
        done = run_command("load", postgres, "--query-file", queries)
        assert done.returncode == 0, done.stderr
        assert "20 rows read" in done.stdout
    assert checksum_content(database) == plain


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("cli_environment")
def test_killed_at_any_moment_and_run_again(
    database: Store, postgres: str, queries: Path, tmp_path: Path, installation: Settings, seed: int
) -> None:
    bundle = ring_bundle(tmp_path / "bundle", rings=3, singles=250)
    load_bundle(database, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    fill(postgres, bundle)
    chance, kills = random.Random(seed), 0
    for _ in range(3):
        done = run_killed(
            chance.randrange(24), chance.uniform(0, 0.05), "load", postgres, "--query-file", queries
        )
        kills += was_killed(done)
        assert was_killed(done) or done.returncode == 0, done.stderr
        # A mark is committed with the end of a load, or not at all.
        assert bool(read_marks(database, "app")) is (done.returncode == 0)
        if done.returncode == 0:
            break
    done = run_killed(-1, 0, "load", postgres, "--query-file", queries)
    assert done.returncode == 0, done.stderr
    assert kills
    assert checksum_content(database) == plain
    assert read_marks(database, "app")["sessions"].value == "286"
    assert database.read("detect/watermark")[0]["number"] is not None


def test_types_of_postgresql_are_read(postgres: str, tmp_path: Path) -> None:
    execute(
        postgres,
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "CREATE TYPE state AS ENUM ('active', 'banned')",
        "CREATE TABLE users (id uuid, made timestamp, state state, at inet, net cidr, n numeric, shape point)",
        "INSERT INTO users VALUES ('7f0e1f9e-8f4c-4f0a-9c3b-000000000001', '2026-03-01 10:00', 'banned', "
        "'203.0.113.7', '2001:db8::/32', 7, '(1,2)')",
    )
    file = tmp_path / "q.toml"
    text = "SELECT id AS account_id, made AS created_at, state AS status, at AS signup_ip, n AS plan"
    file.write_text(f'[accounts]\nquery = "{text} FROM users"\n')
    done = run_command("load", "--explain", postgres, "--query-file", file)
    assert done.returncode == 0, done.stderr
    assert "unreadable" not in done.stdout
    assert "999.9.999.9" in done.stdout
    assert "aaaaaa" in done.stdout
    file.write_text(f'[accounts]\nquery = "{text}, shape AS organization FROM users"\n')
    wrong = run_command("load", "--explain", postgres, "--query-file", file)
    assert "has the type point, which cannot be read" in wrong.stderr
    assert "CAST(organization AS text)" in wrong.stderr


@pytest.mark.parametrize(
    ("change", "query", "said"),
    [
        ((PASSWORD, "wrong-password"), "SELECT 1", "refuses the sign-in"),
        ((":@", ":@"), "SELECT 'jane@example.com'::int AS account_id", "SQLSTATE 22P02"),
        ((":@", ":@"), "SELECT nothing FROM nowhere", "refuses the query of accounts"),
        (("/postgres", "/nowhere"), "SELECT 1", "does not answer, or refuses the sign-in"),
    ],
)
def test_an_error_shows_neither_password_nor_data(
    postgres: str, tmp_path: Path, change: tuple[str, str], query: str, said: str
) -> None:
    file = tmp_path / "q.toml"
    file.write_text(f'[accounts]\nquery = """{query}"""\n')
    done = run_command("load", "--explain", postgres.replace(*change), "--query-file", file)
    assert done.returncode == 1
    assert said in done.stderr
    for secret in (PASSWORD, "wrong-password", "jane@example.com"):
        assert secret not in done.stdout + done.stderr


def test_rows_are_read_in_batches_of_bounded_memory(postgres: str) -> None:
    read = (
        "import sys, resource; from graphsvc.sources.sql import SqlSource; from graphsvc.sources.queries import *;"
        "from graphsvc.model.marks import build_mark;"
        "query = Query('accounts', sys.argv[2], 'i', build_mark(0, 'i'));"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with SqlSource(sys.argv[1], QueryFile((query,))) as source:\n"
        "    (part,) = source.list_tables({}).tables['accounts']\n"
        "    rows = sum(table.num_rows for table in part.rows())\n"
        "print(rows, source.highest['accounts'].value, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    text = "SELECT i, md5(i::text) || md5(i::text) AS text FROM generate_series(1, 1000000) i WHERE i > $1"
    done = subprocess.run(
        [sys.executable, "-c", read, postgres, text], capture_output=True, text=True, check=True
    )
    rows, mark, grown = map(int, done.stdout.split())
    assert (rows, mark) == (1_000_000, 1_000_000)
    # All rows are 80 MB; a batch is 4.
    assert grown < 60_000, f"{grown} kB"
