"""Column maps: what a source calls the bundle's columns, on the command line and in a file."""

from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import checksum_content, write_bundle
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import BundleError, MappingError
from graphsvc.intake import read_bundle
from graphsvc.intake.column_map import Entry
from graphsvc.intake.options import make_options
from graphsvc.signals.tokens import Tokeniser
from graphsvc.sources.mapping import build_map, format_map, list_contract, read_map
from graphsvc.store import Store

TOKENS = Tokeniser(b"k" * 32, "k1")
TIME = "2026-03-01T10:00:00Z"
OURS = {
    "accounts": [
        {"account_id": "a", "created_at": TIME, "email": "jane@example.com", "signup_ip": "203.0.113.7"}
    ],
    "sessions": [
        {"account_id": "a", "ip": "203.0.113.8", "first_seen": TIME, "last_seen": TIME, "requests": 3}
    ],
}
THEIRS = {
    "users": [
        {
            "user_id": "a",
            "signup_time": TIME,
            "mail": "jane@example.com",
            "reg ip": "203.0.113.7",
            "email": "-",
        }
    ],
    "logins": [{"user_id": "a", "client": "203.0.113.8", "at": TIME, "requests": 3}],
}
MAPPING = """
account_id = "user_id"
[tables]
accounts = "users"
sessions = "Logins"
[accounts]
created_at = "signup_time"
email = "mail"
signup_ip = "reg ip"
[sessions]
ip = "client"
first_seen = "at"
last_seen = "at"
"""


def write_form(directory: Path, form: str, tables: dict[str, list[dict[str, object]]]) -> Path:
    """Write tables as NDJSON, CSV or Parquet."""
    if form == "ndjson":
        return write_bundle(directory, **tables)
    directory.mkdir()
    for name, rows in tables.items():
        frame = pl.DataFrame(rows)
        frame.write_csv(directory / f"{name}.csv") if form == "csv" else frame.write_parquet(
            directory / f"{name}.parquet"
        )
    return directory


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_a_mapped_source_is_the_same_graph_in_each_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    options = make_options([], names=build_map([], tmp_path / "mapping.toml"))
    plain = read_bundle(write_bundle(tmp_path / "ours", **OURS), TOKENS)
    mapped = read_bundle(write_form(tmp_path / "theirs", form, THEIRS), TOKENS, options=options)
    assert mapped.accounts.equals(plain.accounts)
    assert mapped.edges.keys() == plain.edges.keys()
    assert all(mapped.edges[kind].equals(plain.edges[kind]) for kind in plain.edges)
    # The file's own column `email` is not read where another is mapped to it.
    assert mapped.dead_letters.is_empty()
    assert not mapped.cells
    assert "created_at from 'signup_time', as mapped" in " ".join(mapped.notes)


def test_another_map_is_another_load_and_none_is_the_same_as_before(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", accounts=[{"account_id": "a", "created_at": TIME, "joined": TIME}])
    first = read_bundle(bundle, TOKENS)
    assert read_bundle(bundle, TOKENS, options=make_options([], names=build_map([]))).id == first.id
    names = build_map(["created_at=joined"])
    assert read_bundle(bundle, TOKENS, options=make_options([], names=names)).id != first.id


def test_an_entry_for_all_tables_leaves_tables_with_the_own_name_alone(tmp_path: Path) -> None:
    tables = {"accounts": OURS["accounts"], "sessions": [{**OURS["sessions"][0], "user_id": "b"}]}
    del tables["sessions"][0]["account_id"]
    options = make_options([], names=build_map(["account_id=user_id"]))
    read = read_bundle(write_bundle(tmp_path / "b", **tables), TOKENS, lambda ids: ids, options=options)
    assert read.accounts["account_id"].to_list() == ["a"]
    assert read.edges["ip"]["account_id"].unique().sort().to_list() == ["a", "b"]


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "accounts.created_at=signup_tme",
            "has no column signup_tme, which accounts.created_at is mapped to",
        ),
        ("created_at=signup_tme", "has no column signup_tme, which created_at is mapped to"),
        ("accounts.email=mial", "has no column mial, which accounts.email is mapped to"),
        ("email=mial", "No table has a column mial"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, form: str, word: str, said: str
) -> None:
    tables = {"accounts": [{"account_id": "a", "signup_time": TIME, "mail": "jane@example.com"}]}
    words = [word] if "created" in word else [word, "created_at=signup_time"]
    options = make_options([], names=build_map(words))
    with pytest.raises(BundleError) as error:
        read_bundle(write_form(tmp_path / "b", form, tables), TOKENS, options=options)
    assert said in str(error.value)
    assert ("signup_time" if "signup" in word else "mail") in error.value.todo


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("creatd_at=x", "Did you mean created_at"),
        ("accounts.creatd_at=x", "Did you mean created_at"),
        ("acounts.created_at=x", "Did you mean accounts"),
        ("created_at", "maps no column"),
        ("=x", "maps no column"),
    ],
)
def test_an_entry_that_the_contract_does_not_have_is_a_wrong_call(word: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        build_map([word])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[acounts]\nemail='x'", "Did you mean accounts"),
        ("[tables]\nuser='x'", "names user, which is no table"),
        ("[accounts]\nemial='x'", "Did you mean email"),
        ("[accounts]\nemail=3", "neither a name nor a section"),
        ("[accounts", "is no TOML"),
        ("a = " + "[" * 100_000, "is no TOML: it is nested too deeply"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=said):
        read_map(tmp_path / "m.toml")


def test_an_option_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('[accounts]\nemail = "x"\nplan = "p"\n', encoding="utf-8")
    names = build_map(["accounts.email=y"], tmp_path / "m.toml")
    assert names.columns == (Entry("accounts", "email", "y"), Entry("accounts", "plan", "p"))


PAIRS = st.dictionaries(
    st.sampled_from([(table, column) for table, columns in list_contract().items() for column in columns]),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20),
)


@given(PAIRS)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[tuple[str, str], str]
) -> None:
    lines = [(table, ours, theirs, "sure") for (table, ours), theirs in sorted(pairs.items())]
    file = tmp_path_factory.mktemp("map") / "m.toml"
    file.write_text(
        format_map([("accounts", "users"), ("sessions", "sessions")], lines, "a\nb"), encoding="utf-8"
    )
    names = read_map(file)
    assert names.columns == tuple(Entry(*line[:3]) for line in lines)
    assert names.tables == (("accounts", "users"),)


@pytest.mark.usefixtures("cli_environment")
def test_the_command_maps_what_it_loads(database: Store, tmp_path: Path) -> None:
    assert run_command("load", write_bundle(tmp_path / "ours", **OURS)).returncode == 0
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    theirs = write_bundle(tmp_path / "theirs", **THEIRS)
    done = run_command("load", theirs, "--mapping", tmp_path / "mapping.toml")
    assert done.returncode == 0, done.stderr
    assert checksum_content(database) == plain
    wrong = run_command("load", theirs, "--map", "creatd_at=signup_time")
    assert (wrong.returncode, "Did you mean created_at" in wrong.stderr) == (2, True)
