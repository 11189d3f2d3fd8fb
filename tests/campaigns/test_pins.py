"""Promise: the next detection honours what people pin, in doubt for the innocent; without pins nothing changes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import polars as pl
import pytest
from graphs import ring_bundle
from hypothesis import given
from hypothesis import strategies as st
from published import person

from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.pins import honoured, rows_of
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.model.decisions import On, Topic
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Store
from graphsvc.store.decisions import DecisionRequest, record_decision, undo_decision
from graphsvc.store.published import read_members
from graphsvc.store.snapshots import Snapshots
from graphsvc.verification import verify_run

ACCOUNTS = 24
NAMES = pl.Series([f"a{number:02}" for number in range(ACCOUNTS)])
pairs = st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(0, ACCOUNTS - 1)).filter(lambda p: p[0] < p[1])
pins_of = st.dictionaries(pairs, st.booleans(), max_size=12)
clusters_of = st.lists(st.integers(-1, 3), min_size=ACCOUNTS, max_size=ACCOUNTS)


def frame(clusters: list[int]) -> pl.DataFrame:
    rows = [(c, account, 0.5 + account / 100) for account, c in enumerate(clusters) if c >= 0]
    schema = {"cluster": pl.Int32, "account": pl.Int32, "membership": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("cluster", "account")


def placed(clusters: list[int], pins: dict[tuple[int, int], bool]) -> dict[int, int]:
    """The cluster of each account once the pins are honoured."""
    named = [(NAMES[a], NAMES[b], same) for (a, b), same in pins.items()]
    stay, joined = honoured(frame(clusters), rows_of(named, NAMES))
    both = pl.concat([stay.select("account", "cluster"), joined.select("account", "cluster")])
    assert both["account"].n_unique() == both.height
    return dict(both.rows())


@given(clusters_of)
def test_without_pins_nothing_changes(clusters: list[int]) -> None:
    members = frame(clusters)
    stay, joined = honoured(members, rows_of((), NAMES))
    assert stay.equals(members)
    assert joined.is_empty()


@given(clusters_of, pins_of)
def test_two_who_are_different_are_never_in_one_cluster(
    clusters: list[int], pins: dict[tuple[int, int], bool]
) -> None:
    found = placed(clusters, pins)
    for (a, b), same in pins.items():
        assert same or a not in found or b not in found or found[a] != found[b]


@given(clusters_of, pins_of)
def test_two_who_are_the_same_are_together_unless_somebody_is_protected(
    clusters: list[int], pins: dict[tuple[int, int], bool]
) -> None:
    together = {pair: same for pair, same in pins.items() if same}
    found = placed(clusters, together)
    for a, b in together:
        assert found.get(a) == found.get(b)
    assert set(found) >= {account for account, cluster in enumerate(clusters) if cluster >= 0}


@given(clusters_of, pins_of, st.randoms(use_true_random=False))
def test_the_order_of_pins_does_not_matter(
    clusters: list[int], pins: dict[tuple[int, int], bool], shuffle: Random
) -> None:
    items = list(pins.items())
    shuffle.shuffle(items)
    assert placed(clusters, pins) == placed(clusters, dict(items))


@given(clusters_of, pins_of)
def test_nobody_joins_but_beside_somebody_pinned_to_them(
    clusters: list[int], pins: dict[tuple[int, int], bool]
) -> None:
    found = placed(clusters, pins)
    for account in set(found) - {each for each, cluster in enumerate(clusters) if cluster >= 0}:
        mates = {a if b == account else b for (a, b), same in pins.items() if same and account in (a, b)}
        assert mates


def test_a_pin_that_others_contradict_draws_nobody_in() -> None:
    clusters = [0] * 5 + [-1] * (ACCOUNTS - 5)
    assert placed(clusters, {(0, 10): True, (10, 11): True})[11] == 0
    given_up = placed([0] * 5 + [-1] * (ACCOUNTS - 5), {(0, 10): True, (0, 1): False})
    assert {0, 10}.isdisjoint(given_up)  # 0 leaves, so nothing draws 10 in
    contradicted = placed(clusters, {(0, 10): True, (10, 11): True, (0, 11): False})
    assert {10, 11}.isdisjoint(contradicted)


@pytest.fixture
def loaded(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    """Two rings of twelve, and single accounts."""
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    return database


def pin(store: Store, a: str, b: str, value: str) -> str:
    wish = DecisionRequest(On.PAIR, a, Topic.PIN, value, other=b)
    return record_decision(store, person("ada"), wish, datetime.now(UTC)).id


def clusters(store: Store) -> dict[str, str]:
    return dict(read_members(store).select("account_id", "cluster_id").rows())


def test_the_next_detection_honours_pins_and_their_undoing(loaded: Store) -> None:
    detect(loaded, InProcessDetector(), Parameters())
    before = clusters(loaded)
    assert before["acct-00000"] == before["acct-00001"] != before["acct-00012"]
    made = [
        pin(loaded, "acct-00000", "acct-00001", "different"),
        pin(loaded, "acct-00002", "acct-00400", "same"),
        pin(loaded, "acct-00401", "acct-00402", "same"),
    ]
    detect(loaded, InProcessDetector(), Parameters())
    now = clusters(loaded)
    assert len({"acct-00000", "acct-00001"} & set(now)) == 1
    assert now["acct-00400"] == now["acct-00002"] == before["acct-00002"]
    assert "acct-00401" not in now
    rows = loaded.read("query/account_membership", ids=["acct-00400"])
    assert rows[0]["families"] == ["pinned"]
    for each in made:
        undo_decision(loaded, person("bob"), each, datetime.now(UTC))
    detect(loaded, InProcessDetector(), Parameters())
    assert clusters(loaded) == before


def test_a_pin_between_two_clusters_makes_them_one(loaded: Store) -> None:
    detect(loaded, InProcessDetector(), Parameters())
    pin(loaded, "acct-00000", "acct-00012", "same")
    detect(loaded, InProcessDetector(), Parameters())
    now = clusters(loaded)
    assert len(now) == 24
    assert len(set(now.values())) == 1


def test_a_run_with_pins_can_be_verified(loaded: Store, installation: Settings, tmp_path: Path) -> None:
    pin(loaded, "acct-00002", "acct-00400", "same")
    signer = load_or_create_signer(installation)
    kept = Snapshots(tmp_path / "runs", 2)
    detector = InProcessDetector()
    done = detect(loaded, detector, Parameters(), signer=signer, snapshots=kept)
    assert done.run.parameters["pins"] == (("acct-00002", "acct-00400", True),)
    assert verify_run(loaded, done.run.id, detector, signer, kept).holds
    assert Parameters.of({**done.run.parameters}) == replace(
        Parameters(), pins=(("acct-00002", "acct-00400", True),)
    )
