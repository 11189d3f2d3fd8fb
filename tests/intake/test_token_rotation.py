"""Promise: after a rotation of the token key the same values are the same signals, whether a bundle brings them again
or a search asks for them, and no signal is there twice."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import ring_bundle, write_bundle
from hypothesis import given
from hypothesis import strategies as st
from published import person

from graphsvc.errors import KeepingError, NotFound
from graphsvc.intake import read_bundle
from graphsvc.intake.terms import parse_terms
from graphsvc.keeping.rotation import list_token_keys, retire_key, rotate_key
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.store import Store
from graphsvc.store.audit_log import stream_entries

SEEN = {"first_seen": "2026-03-01T00:00:00Z", "last_seen": "2026-03-02T00:00:00Z"}
LATER = {"first_seen": "2026-04-01T00:00:00Z", "last_seen": "2026-04-02T00:00:00Z"}


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings with keys of the test's own; their database is not used."""
    return Settings(data_dir=tmp_path / "data", neo4j_uri=None)


def everything(directory: Path) -> Path:
    """A bundle with every kind that is tokenised."""
    bundle = ring_bundle(directory, rings=1, singles=3)
    accounts = [
        {
            "account_id": each,
            "created_at": "2026-03-01T00:00:00Z",
            "email": "a.b@example.org",
            "phone": "+49 30 123456",
        }
        | {"display_name": "Ann", "organization": "O"}
        for each in ("x", "y")
    ]
    prompts = [{"account_id": each, "text": "tell me of rings " * 9, **SEEN} for each in ("x", "y")]
    other = [{"account_id": each, "kind": "referral code", "value": "R1", **SEEN} for each in ("x", "y")]
    write_bundle(directory / "more", accounts=accounts, prompts=prompts, identifiers=other)
    for name in ("accounts", "prompts", "identifiers"):
        with (bundle / f"{name}.ndjson").open("a") as file:
            file.write((directory / "more" / f"{name}.ndjson").read_text())
    return bundle


def load(store: Store, bundle: Path, settings: Settings) -> None:
    load_bundle(store, bundle, load_or_create_key(settings), settings.dead_letters_dir)


def shape(store: Store) -> list[tuple[str, ...]]:
    """Who uses what, signals by their kind and who uses them, so that it does not matter how they are called."""
    users: dict[tuple[str, str], list[str]] = {}
    for kind, start, end, properties in store.stream("bench/checksum_edges"):
        users.setdefault((kind, end), []).append(f"{start} {sorted(map(str, properties.items()))}")
    return sorted((kind, end.split(":")[0], *sorted(names)) for (kind, end), names in users.items())


def keys(store: Store, settings: Settings) -> dict[str, int]:
    return {f"{each.state} {each.id}": each.signals for each in list_token_keys(store, settings)}


def test_loaded_again_after_a_rotation_it_is_the_same_graph(
    database: Store, here: Settings, tmp_path: Path
) -> None:
    bundle = everything(tmp_path / "bundle")
    load(database, bundle, here)
    first, before = load_or_create_key(here).key_id, shape(database)
    ((_, signals),) = keys(database, here).items()
    second = rotate_key(database, person("ann"), here)
    assert keys(database, here) == {f"current {second}": 0, f"earlier {first}": signals}
    load(database, bundle, here)
    assert keys(database, here) == {f"current {second}": signals, f"earlier {first}": 0}
    assert shape(database) == before
    load(database, bundle, here)
    assert shape(database) == before
    assert {each.entry.act.action for each in stream_entries(database) if each.entry} == {"rotateTokenKey"}


def test_a_later_bundle_meets_what_is_there_under_whichever_key(
    database: Store, here: Settings, tmp_path: Path
) -> None:
    """Three bundles with a rotation between them, the second without the value: one signal, three users."""
    for number, (who, card) in enumerate((("a", "fp"), ("b", "other"), ("c", "fp"))):
        accounts = [{"account_id": who, "created_at": "2026-03-01T00:00:00Z"}]
        payments = [{"account_id": who, "instrument": card, "kind": "card", **SEEN}]
        if number == 2:
            payments.append({**payments[0], "account_id": "a", **LATER, "payments": 2})
        load(database, write_bundle(tmp_path / str(number), accounts=accounts, payments=payments), here)
        if number < 2:
            rotate_key(database, person("ann"), here)
    found = [row[:3] for row in shape(database)]
    assert [row[:2] for row in found] == [("PAID_WITH", "instrument")] * 2
    assert sorted(len(row) - 2 for row in shape(database)) == [1, 2]


def test_two_signals_of_one_value_become_one(database: Store, here: Settings, tmp_path: Path) -> None:
    """As when somebody loads with a key that others do not have: later, with both keys, they meet."""
    account = {"account_id": "a", "created_at": "2026-03-01T00:00:00Z"}
    card = {"account_id": "a", "instrument": "fp", "kind": "card", "payments": 2}
    old = write_bundle(tmp_path / "old", accounts=[account], payments=[{**card, **SEEN, "bin": "123456"}])
    new = write_bundle(tmp_path / "new", accounts=[account], payments=[{**card, **LATER}])
    load(database, old, here)
    rotate_key(database, person("ann"), here)
    both = load_or_create_key(here)
    load_bundle(database, new, Tokeniser(both._key, both.key_id), tmp_path / "dead")
    assert len(shape(database)) == 2
    load_bundle(database, new, both, tmp_path / "dead", again=True)
    (edge,) = [row[3] for row in database.stream("bench/checksum_edges")]
    assert edge["count"] == 4
    assert (str(edge["firstSeen"])[:10], str(edge["lastSeen"])[:10]) == ("2026-03-01", "2026-04-02")
    (signal,) = [row[1] for row in database.stream("bench/checksum") if "Signal" in row[0]]
    assert (signal["bin"], signal["key"]) == ("123456", f"instrument:{signal['value']}")


def test_what_was_published_names_signals_by_their_new_keys(
    database: Store, here: Settings, tmp_path: Path
) -> None:
    from graphsvc.campaigns.parameters import Parameters
    from graphsvc.community.inprocess import InProcessDetector
    from graphsvc.detection import detect

    bundle = ring_bundle(tmp_path / "bundle")
    load(database, bundle, here)
    detect(database, InProcessDetector(), Parameters())
    first = load_or_create_key(here).key_id
    text = [str(row) for row in database.stream("tests/all_values")]
    assert any(f":{first}." in row for row in text)
    rotate_key(database, person("ann"), here)
    load(database, bundle, here)
    text = [str(row) for row in database.stream("tests/all_values")]
    assert not [row for row in text if f":{first}." in row]


def test_a_key_is_retired_when_nothing_needs_it(database: Store, here: Settings, tmp_path: Path) -> None:
    load(database, everything(tmp_path / "bundle"), here)
    first = load_or_create_key(here).key_id
    for wrong in (first, "nothing"):
        with pytest.raises(NotFound):
            retire_key(database, person("ann"), here, wrong, force=True)
    second = rotate_key(database, person("ann"), here)
    with pytest.raises(KeepingError, match="signals have tokens"):
        retire_key(database, person("ann"), here, first, force=False)
    assert [each.key_id for each in load_or_create_key(here).older] == [first]
    left = retire_key(database, person("ann"), here, first, force=True)
    assert left > 0
    assert load_or_create_key(here).older == ()
    assert keys(database, here) == {f"current {second}": 0, f"lost {first}": left}
    third = rotate_key(database, person("ann"), here)
    assert retire_key(database, person("ann"), here, second, force=False) == 0
    assert load_or_create_key(here).key_id == third


def test_an_open_load_is_waited_for(database: Store, here: Settings) -> None:
    before = load_or_create_key(here).key_id
    database.run_transaction(("load/begin", {"id": "open", "bundle": "b"}))
    with pytest.raises(KeepingError, match="being loaded"):
        rotate_key(database, person("ann"), here)
    assert load_or_create_key(here).key_id == before


def test_a_search_finds_tokens_of_all_keys() -> None:
    older = Tokeniser(b"o" * 32, "0ld0ld00")
    current = Tokeniser(b"n" * 32, "c0c0c0c0", (older,))
    found = {key for key, *_ in parse_terms("device:d1", current).keys}
    assert {
        f"device:{each.tokenize_column('device', pl.Series(['d1'])).item()}" for each in (older, current)
    } <= found


@given(values=st.lists(st.text("abc1", min_size=1, max_size=6), min_size=1, max_size=12))
def test_every_signal_knows_what_it_was_called(
    values: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Promise: the former keys of a bundle are those that reading it with the earlier key gives, in the same places."""
    older = Tokeniser(b"o" * 32, "old")
    devices = [{"account_id": "a", "ip": "198.51.100.7", "device": f" {value} ", **SEEN} for value in values]
    accounts = [{"account_id": "a", "created_at": "2026-03-01T00:00:00Z", "signup_device": values[0]}]
    bundle = write_bundle(tmp_path_factory.mktemp("b"), accounts=accounts, sessions=devices)
    before = read_bundle(bundle, older)
    after = read_bundle(bundle, Tokeniser(b"n" * 32, "new", (older,)))
    former = dict(after.former["old"].select("key", "former").rows())
    assert set(former) == set(after.values["device"]["key"])
    assert set(former.values()) == set(before.values["device"]["key"])
    assert len(set(former.values())) == len(former)


@pytest.mark.usefixtures("database", "cli_environment")
def test_the_commands() -> None:
    graphsvc = partial(run_command, "tokens")
    before = graphsvc("status").stdout.split()[0]
    made = graphsvc("rotate").stdout.split()[0]
    assert [line.split()[:2] for line in graphsvc("status").stdout.splitlines()][:2] == [
        [made, "current"],
        [before, "earlier"],
    ]
    assert graphsvc("retire", before).returncode == 0
    assert graphsvc("retire", before).returncode == 1
