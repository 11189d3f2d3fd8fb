"""`graphsvc load --watch`: what is dropped into a folder is loaded once, by its content."""

import random
import signal
from pathlib import Path
from threading import Event

import pytest
from command import run_command
from graphs import checksum_content, ring_bundle, write_bundle
from killing import run_killed, run_until_loaded, was_killed

from graphsvc.intake.column_map import ColumnMap
from graphsvc.intake.options import ReadOptions, make_options
from graphsvc.loading import load_bundle
from graphsvc.loading.watching import Watched, watch_folder
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.sources.drops import list_drops
from graphsvc.sources.mapping import build_map
from graphsvc.sources.stopping import stop_on_signals
from graphsvc.store import Store

TIME = "2026-03-01T10:00:00Z"


def account(name: str) -> dict[str, object]:
    return {"account_id": name, "created_at": TIME}


def session(name: str, ip: str) -> dict[str, object]:
    return {"account_id": name, "ip": ip, "first_seen": TIME, "last_seen": TIME, "requests": 3}


def look(store: Store, folder: Path, tokens: Tokeniser, options: ReadOptions | None = None) -> Watched:
    """Watch until what is complete was loaded."""
    return watch_folder(
        store,
        folder,
        tokens,
        folder.parent / "dead",
        Event(),
        once=True,
        every=0.01,
        options=options,
        max_rejected=0.5,
    )


def drop(folder: Path, name: str, **tables: list[dict[str, object]]) -> Path:
    """Drop a folder with tables, and its marker last."""
    path = write_bundle(folder / name, **tables)
    (path / "_SUCCESS").touch()
    return path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.mark.parametrize(
    ("name", "complete"),
    [
        ("accounts.csv", True),
        ("sessions-0001.ndjson.gz", True),
        (".accounts.csv", False),
        ("_accounts.csv", False),
        ("accounts.csv.tmp", False),
        ("accounts.csv.PART", False),
    ],
)
def test_files_with_the_names_of_unfinished_ones_wait(inbox: Path, name: str, complete: bool) -> None:
    (inbox / name).touch()
    assert bool(list_drops(inbox)) is complete


def test_a_folder_waits_for_its_marker(inbox: Path) -> None:
    write_bundle(inbox / "day1", accounts=[account("a")])
    assert not list_drops(inbox)
    (inbox / "day1" / "_SUCCESS").touch()
    assert [each.name for each in list_drops(inbox)] == ["day1"]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("sessions.csv", "sessions"),
        ("sessions-2026-03-01.csv", "sessions"),
        ("sessions_0001.ndjson", "sessions"),
        ("Logins 7.parquet", "sessions"),
        ("sessionsold.csv", None),
        ("readme.txt", None),
    ],
)
def test_a_file_is_named_for_its_table(inbox: Path, name: str, table: str | None) -> None:
    (inbox / name).touch()
    (found,) = list_drops(inbox)
    names = ColumnMap(tables=(("sessions", "logins"),))
    if table is None:
        with pytest.raises(Exception, match="holds no table"):
            found.list_tables(names)
    else:
        assert list(found.list_tables(names).tables) == [table]


def test_each_drop_is_loaded_once_whatever_it_is_called(
    database: Store, tokens: Tokeniser, inbox: Path
) -> None:
    drop(inbox, "day1", accounts=[account("a"), account("b")])
    write_bundle(inbox, sessions=[session("a", "203.0.113.7"), session("b", "203.0.113.7")])
    assert look(database, inbox, tokens) == Watched(loaded=["day1", "sessions.ndjson"])
    before = checksum_content(database)
    # The same content under another name, when the watch starts again.
    (inbox / "sessions.ndjson").rename(inbox / "sessions-copy.ndjson")
    assert look(database, inbox, tokens) == Watched(known=["day1", "sessions-copy.ndjson"])
    assert checksum_content(database) == before
    (inbox / "sessions-copy.ndjson").unlink()
    write_bundle(inbox / "x", sessions=[session("a", "203.0.113.8")])
    (inbox / "x" / "sessions.ndjson").rename(inbox / "sessions-2.ndjson")
    assert look(database, inbox, tokens).loaded == ["sessions-2.ndjson"]


def test_drops_are_the_same_graph_as_folders_loaded_in_their_order(
    database: Store, tokens: Tokeniser, inbox: Path, tmp_path: Path
) -> None:
    tables = [
        {
            "accounts": [account(f"a{day}"), account("b")],
            "sessions": [session(f"a{day}", "203.0.113.7"), session("b", "203.0.113.7")],
        }
        for day in range(3)
    ]
    for day, each in enumerate(tables):
        load_bundle(database, write_bundle(tmp_path / f"plain{day}", **each), tokens, tmp_path / "dead")
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    for day, each in enumerate(tables):
        drop(inbox, f"day{day}", **each)
    assert look(database, inbox, tokens).loaded == ["day0", "day1", "day2"]
    assert checksum_content(database) == plain


def test_a_faulty_drop_is_named_and_does_not_hold_up_the_others(
    database: Store, tokens: Tokeniser, inbox: Path
) -> None:
    (inbox / "accounts.csv").write_text("account_id,made\na,2026-03-01\n")
    (inbox / "notes.txt").write_text("Jane")
    write_bundle(inbox, sessions=[session("nobody", "203.0.113.7")])
    drop(inbox, "day1", accounts=[account("a")])
    watched = look(database, inbox, tokens)
    assert (watched.loaded, watched.failed) == (["day1"], ["accounts.csv", "notes.txt", "sessions.ndjson"])
    # Corrected, it is loaded.
    (inbox / "accounts.csv").write_text("account_id,created_at\nb,2026-03-01\n")
    assert "accounts.csv" in look(database, inbox, tokens).loaded


def test_a_mapping_may_name_tables_that_a_drop_does_not_have(
    database: Store, tokens: Tokeniser, inbox: Path
) -> None:
    options = make_options(
        [], names=build_map(["accounts.created_at=joined", "sessions.ip=client", "requests=hits"])
    )
    (inbox / "accounts.csv").write_text("account_id,joined\nb,2026-03-01\n")
    assert look(database, inbox, tokens, options).loaded == ["accounts.csv"]


def test_a_file_that_still_grows_waits(
    database: Store, tokens: Tokeniser, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphsvc.loading import watching

    file, looks = inbox / "accounts.csv", list[int]()
    look_at = watching.list_drops

    def grow(folder: Path) -> object:
        looks.append(1)
        if len(looks) <= 3:
            with file.open("a") as growing:
                growing.write("account_id,created_at\n" if len(looks) == 1 else f"a{len(looks)},2026-03-01\n")
        return look_at(folder)

    monkeypatch.setattr(watching, "list_drops", grow)
    assert look(database, inbox, tokens).loaded == ["accounts.csv"]
    assert checksum_content(database)[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.usefixtures("cli_environment")
def test_killed_at_any_moment_and_run_again(
    database: Store, inbox: Path, installation: Settings, tmp_path: Path, seed: int
) -> None:
    for number, path in enumerate((tmp_path / "one", inbox / "one")):
        ring_bundle(path, rings=3, singles=250)
        (path / "_SUCCESS").touch()
        write_bundle(
            path.parent / "two", accounts=[account("z")], sessions=[session("z", f"203.0.113.{number * 0}")]
        )
        (path.parent / "two" / "_SUCCESS").touch()
    for name in ("one", "two"):
        load_bundle(
            database, tmp_path / name, load_or_create_key(installation), installation.dead_letters_dir
        )
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    chance, kills = random.Random(seed), 0
    for _ in range(2):
        done = run_killed(chance.randrange(24), chance.uniform(0, 0.05), "load", "--watch", "--once", inbox)
        kills += was_killed(done)
        assert was_killed(done) or done.returncode == 0, done.stderr
    done = run_killed(-1, 0, "load", "--watch", "--once", inbox)
    assert done.returncode == 0, done.stderr
    assert kills
    assert checksum_content(database) == plain


def test_a_signal_ends_the_watch_after_the_load_under_way(
    database: Store, tokens: Tokeniser, inbox: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        drop(inbox, name, accounts=[account(name)])
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stopped:
        watched = watch_folder(
            database, inbox, tokens, tmp_path / "dead", stopped, max_rejected=0.5,
            say=lambda line: signal.raise_signal(signal.SIGTERM) if line == "loading a" else None,
        )  # fmt: skip
        # A second signal has the effect that it always has.
        assert signal.getsignal(signal.SIGTERM) is before
    assert watched == Watched(loaded=["a"])
    assert checksum_content(database)[0] == 1
    assert database.read("detect/watermark")[0]["number"] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("cli_environment")
def test_it_stops_gracefully(database: Store, inbox: Path) -> None:
    drop(inbox, "day1", accounts=[account("a")])
    status, out, err = run_until_loaded(database, "load", "--watch", str(inbox))
    assert status == 0, err
    assert "1 drops loaded, 0 known from before, 0 failed." in out
    # None is left open.
    assert database.read("detect/watermark")[0]["number"] == 1


def test_calls_that_do_not_fit_are_refused(inbox: Path) -> None:
    for words in (
        ["--once", inbox],
        ["--watch", "--again", inbox],
        ["--watch", "--bulk", inbox],
        ["--watch", "s3://bucket/a"],
        ["--kafka-config", inbox, inbox],
        ["--watch", inbox / "nowhere"],
    ):
        assert run_command("load", *words).returncode == 2
