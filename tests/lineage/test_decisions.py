"""Promise: people's decisions follow identities by written rules; nothing is lost, and no merger clears or condemns."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.lineage.decisions import (
    derive_status,
    find_active_decisions,
    list_affected_identities,
    select_decisions,
    update_decisions,
)
from graphsvc.model.decisions import Decision, Disposition, Merger, Status
from graphsvc.model.lineage import EVENTS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONFIRMED, DISMISSED, MONITORING = Disposition.CONFIRMED, Disposition.DISMISSED, Disposition.MONITORING


class Desk:
    """A book of decisions, and runs that say what happened."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.mergers: list[Merger] = []
        self.last = 0

    def decide(self, cluster: str, verdict: Disposition) -> str:
        self.last += 1
        name = f"d{self.last}"
        self.decisions.append(Decision(name, self.last, cluster, cluster, verdict, "ada", NOW))
        return name

    def undo(self, name: str) -> None:
        at = next(number for number, each in enumerate(self.decisions) if each.id == name)
        self.decisions[at] = replace(self.decisions[at], undone_at=NOW, undone_by="bob")

    def run(self, *events: tuple[str, str | None, str], into: str | None = None) -> dict[str, Status]:
        """`into`: where the accounts of what is dormant are."""
        frame = pl.DataFrame(
            [
                {"id": name, "before": before, "kind": kind, "into": into if kind == "dormant" else None}
                for name, before, kind in events
            ],
            schema={name: EVENTS[name] for name in ("id", "before", "kind", "into")},
        )
        carried = update_decisions(frame, self.decisions, self.mergers, self.last)
        self.decisions += carried.copies
        self.mergers, self.last = carried.mergers, carried.last
        return carried.statuses

    def status(self, cluster: str) -> Status:
        return derive_status(cluster, self.decisions, self.mergers)

    def forced(self, cluster: str) -> list[tuple[str, Disposition]]:
        return [(d.subject, d.value) for d in find_active_decisions(cluster, self.decisions, self.mergers)]

    def copies(self, cluster: str) -> list[Decision]:
        return [d for d in self.decisions if d.subject == cluster and d.copied_from]


def same(*clusters: str) -> list[tuple[str, str, str]]:
    return [(name, name, "continued") for name in clusters]


def test_nobody_has_decided() -> None:
    assert Desk().status("a") is Status.OPEN


def test_the_last_decision_says_the_status_and_undoing_it_brings_back_the_one_before() -> None:
    desk = Desk()
    desk.decide("a", MONITORING)
    last = desk.decide("a", CONFIRMED)
    assert desk.status("a") is Status.CONFIRMED
    desk.undo(last)
    assert desk.status("a") is Status.MONITORING
    desk.decide("a", DISMISSED)
    assert desk.status("a") is Status.DISMISSED
    assert len(desk.decisions) == 3


def test_growing_shrinking_sleeping_and_coming_back_keep_what_was_decided() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    for kind in ("grew", "shrank", "continued", "revived"):
        assert desk.run(("a", "a", kind)) == {"a": Status.CONFIRMED}
    assert desk.run(("a", "a", "dormant")) == {}
    assert desk.status("a") is Status.CONFIRMED
    desk.decide("a", DISMISSED)
    assert desk.run(("a", "a", "revived")) == {"a": Status.DISMISSED}
    assert len(desk.decisions) == 2


def test_a_split_copies_what_is_in_force_and_undoing_one_leaves_the_other() -> None:
    desk = Desk()
    desk.decide("a", MONITORING)
    desk.decide("a", CONFIRMED)
    assert desk.run(*same("a"), ("n", "a", "split")) == {"a": Status.CONFIRMED, "n": Status.CONFIRMED}
    (copy,) = desk.copies("n")
    assert (copy.copied_from, copy.origin, copy.by, copy.at) == ("d2", "a", "ada", NOW)
    desk.undo(copy.id)
    assert (desk.status("a"), desk.status("n")) == (Status.CONFIRMED, Status.OPEN)
    again = Desk()
    again.decide("a", CONFIRMED)
    again.run(*same("a"), ("n", "a", "split"))
    again.undo("d1")
    assert (again.status("a"), again.status("n")) == (Status.OPEN, Status.CONFIRMED)


def test_a_small_part_that_comes_off_has_copies_too() -> None:
    desk = Desk()
    desk.decide("a", DISMISSED)
    assert desk.run(*same("a"), ("n", "a", "born"), ("m", None, "born")) == {
        "a": Status.DISMISSED,
        "n": Status.DISMISSED,
    }
    assert not desk.copies("m")


def test_an_undone_decision_is_not_copied() -> None:
    desk = Desk()
    desk.undo(desk.decide("a", CONFIRMED))
    desk.run(*same("a"), ("n", "a", "split"))
    assert not desk.copies("n")


def test_a_merger_keeps_both_and_what_differs_is_a_conflict_until_somebody_decides() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.decide("b", DISMISSED)
    assert desk.run(*same("a"), ("a", "b", "merged")) == {"a": Status.CONFLICT}
    assert desk.forced("a") == [("a", CONFIRMED), ("b", DISMISSED)]
    assert desk.status("b") is Status.DISMISSED
    desk.decide("a", CONFIRMED)
    assert desk.status("a") is Status.CONFIRMED
    assert desk.status("b") is Status.DISMISSED
    assert [d.id for d in select_decisions("a", desk.decisions, desk.mergers)] == ["d1", "d2", "d4"]


def test_what_is_dormant_inside_another_speaks_up_there_as_if_it_had_merged() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.decide("b", DISMISSED)
    assert desk.run(*same("a"), ("b", "b", "dormant"), into="a") == {"a": Status.CONFLICT}
    assert desk.run(*same("a"), ("b", "b", "revived")) == {"a": Status.CONFIRMED, "b": Status.DISMISSED}


def test_a_merger_of_one_mind_is_no_conflict() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.decide("b", CONFIRMED)
    assert desk.run(*same("a"), ("a", "b", "merged")) == {"a": Status.CONFIRMED}


def test_a_merger_neither_clears_nor_condemns() -> None:
    for verdict in Disposition:
        desk = Desk()
        desk.decide("b", verdict)
        assert desk.run(*same("a"), ("a", "b", "merged")) == {}
        assert desk.status("a") is Status.OPEN
        assert desk.forced("a") == [("b", verdict)]
        # Nor does it undecide: what has no decision brings none.
        desk = Desk()
        desk.decide("a", verdict)
        assert desk.run(*same("a"), ("a", "b", "merged"))["a"].value == verdict.value


def test_a_decision_on_what_is_part_of_another_speaks_up_there() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.run(*same("a"), ("a", "b", "merged"))
    desk.decide("b", DISMISSED)
    assert desk.status("a") is Status.CONFLICT
    assert list_affected_identities("b", desk.mergers) == ["b", "a"]


def test_what_comes_apart_has_its_own_and_copies_of_what_was_decided_meanwhile() -> None:
    desk = Desk()
    desk.decide("b", MONITORING)
    desk.decide("a", CONFIRMED)
    desk.run(*same("a"), ("a", "b", "merged"))
    assert desk.run(*same("a"), ("b", "b", "revived")) == {"a": Status.CONFIRMED, "b": Status.MONITORING}
    assert not desk.copies("b")
    desk.run(*same("a"), ("a", "b", "merged"))
    desk.decide("a", MONITORING)
    assert desk.run(*same("a"), ("b", "b", "revived")) == {"a": Status.MONITORING, "b": Status.MONITORING}
    desk.run(*same("a"), ("a", "b", "merged"))
    desk.decide("a", DISMISSED)
    assert desk.run(*same("a"), ("b", "b", "revived")) == {"a": Status.DISMISSED, "b": Status.CONFLICT}


def test_what_was_part_of_a_part_has_what_was_decided_on_both() -> None:
    desk = Desk()
    desk.run(*same("a", "b"), ("b", "c", "merged"))
    desk.decide("b", MONITORING)
    desk.run(*same("a"), ("a", "b", "merged"))
    desk.decide("a", CONFIRMED)
    desk.run(*same("a"), ("c", "c", "revived"))
    assert [d.value for d in desk.copies("c")] == [MONITORING, CONFIRMED]
    assert desk.status("c") is Status.CONFLICT


def test_what_comes_off_a_conflict_is_one() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.decide("b", DISMISSED)
    desk.run(*same("a"), ("a", "b", "merged"))
    assert desk.run(*same("a"), ("n", "a", "split"))["n"] is Status.CONFLICT
    assert {d.value for d in desk.copies("n")} == {CONFIRMED, DISMISSED}
    # Where it was settled, what comes off is settled too.
    desk.decide("a", DISMISSED)
    assert desk.run(*same("a"), ("m", "a", "split"))["m"] is Status.DISMISSED


def test_a_part_that_comes_back_in_does_not_contradict_with_a_copy_of_what_was_answered_here() -> None:
    desk = Desk()
    desk.decide("a", CONFIRMED)
    desk.run(*same("a"), ("n", "a", "split"))
    desk.decide("a", DISMISSED)
    assert desk.run(*same("a"), ("a", "n", "merged")) == {"a": Status.DISMISSED}
    # What was decided on it in its own right does.
    desk.decide("n", MONITORING)
    assert desk.status("a") is Status.CONFLICT


steps = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.integers(0, 9), st.sampled_from(list(Disposition))),
        st.tuples(st.just("undo"), st.integers(0, 30), st.none()),
        st.tuples(
            st.sampled_from(["split", "merge", "revive", "sleep"]), st.integers(0, 9), st.integers(0, 9)
        ),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_happens_nothing_is_lost_and_only_what_was_said_is_the_status(
    script: Sequence[tuple],
) -> None:
    desk = Desk()
    active, resting = ["c0", "c1"], []
    new = 2
    for what, one, other in script:
        kept = {d.id: d for d in desk.decisions}
        if what == "decide":
            everybody = active + resting
            desk.decide(everybody[one % len(everybody)], other)
        elif what == "undo" and desk.decisions:
            desk.undo(desk.decisions[one % len(desk.decisions)].id)
            continue
        elif what == "split" and active:
            source, name = active[one % len(active)], f"c{new}"
            new += 1
            was = desk.forced(source)
            desk.run(*same(*active), (name, source, "split"))
            active.append(name)
            assert {v for _, v in was} == {d.value for d in desk.copies(name)}
        elif what == "merge" and len(active) > 1:
            part = active.pop(one % len(active))
            whole = active[other % len(active)]
            before, mine = desk.status(whole), desk.status(part)
            desk.run(*same(*active), (whole, part, "merged"))
            resting.append(part)
            assert desk.status(part) is mine
            assert desk.status(whole) in (before, Status.CONFLICT)
        elif what == "revive" and resting:
            name = resting.pop(one % len(resting))
            desk.run(*same(*active), (name, name, "revived"))
            active.append(name)
        elif what == "sleep" and active:
            name = active.pop(one % len(active))
            desk.run(*same(*active), (name, name, "dormant"))
            resting.append(name)
        assert kept.items() <= {d.id: d for d in desk.decisions}.items()
        numbers = [d.number for d in desk.decisions]
        assert len(set(numbers)) == len(numbers)
        assert max([0, *numbers]) <= desk.last
        for name in active + resting:
            said = {d.value for d in desk.decisions if d.subject == name and not d.undone}
            now = desk.status(name)
            assert now in (Status.OPEN, Status.CONFLICT) or now.value in said
            assert (now is Status.OPEN) <= (not said or Disposition.OPEN in said)
            assert said or now is Status.OPEN
