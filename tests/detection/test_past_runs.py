"""Promise: night after night the database does not grow by what nobody can ask for any more."""

from pathlib import Path

import pytest
from lives import Ring, names
from published import Days, addresses, populate

from graphsvc.errors import NotFound
from graphsvc.model.lineage import Known
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.identities import read_known
from graphsvc.store.lineage import read_history
from graphsvc.store.publish import forget_members
from graphsvc.store.runs import read_run

A, B = names("a", 30), names("b", 24)


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    populate(database, tokens, tmp_path, [*A, *B])
    return Days(database)


def kept(store: Store) -> dict[str, int]:
    return {row["run"]: row["relationships"] for row in store.read("tests/count_past")}


def same(one: Known, other: Known) -> bool:
    return all(
        getattr(one, name).equals(getattr(other, name)) for name in ("identities", "members", "signals")
    )


def test_the_same_clusters_every_night_take_the_same_room(days: Days) -> None:
    rings = [Ring(A, addresses(1, 4)), Ring(B, addresses(5, 8))]
    for number in range(1, 7):
        days.day(*rings)
        forget_members(days.store, 3)
        last = range(max(number - 2, 1), number + 1)
        assert kept(days.store) == {f"run-{each}": len(A) + len(B) + 8 for each in last}
    assert read_run(days.store, "run-4").members.height == len(A) + len(B)
    for gone in ("run-1", "run-3"):
        with pytest.raises(NotFound, match="is not kept any more"):
            read_run(days.store, gone)


def test_what_is_kept_of_identities_is_what_it_would_be_without(days: Days) -> None:
    both = [Ring(A, addresses(1, 4)), Ring(B, addresses(5, 8))]
    days.day(*both)
    one, other = days.ids
    days.day(Ring(A + B, addresses(1, 8)))  # one is part of the other
    days.day(Ring(A[:20], addresses(1, 4)))
    for _ in range(4):
        days.day()  # nothing is found: all sleep
    before = read_known(days.store)
    told = [read_history(days.store, name, 100).rows() for name in (one, other)]
    forget_members(days.store, 0)
    assert same(read_known(days.store), before)
    assert [read_history(days.store, name, 100).rows() for name in (one, other)] == told
    days.day(*both)
    assert days.ids == [one, other]
    assert set(kept(days.store)) == {"run-1", "run-3", "run-8"}
    # Found again, what was kept of them for that goes with the runs it is of.
    for _ in range(2):
        days.day(*both)
        forget_members(days.store, 0)
    assert set(kept(days.store)) == {"run-9", "run-10"}
    assert read_run(days.store, "run-9").members.height == len(A) + len(B)


def test_the_run_before_can_always_be_compared(days: Days) -> None:
    for _ in range(3):
        days.day(A, B)
        forget_members(days.store, 0)
    assert read_run(days.store, "run-2").members.equals(read_run(days.store, "run-3").members)
    with pytest.raises(NotFound):
        read_run(days.store, "run-1")
