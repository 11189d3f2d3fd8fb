"""How people's decisions follow identities: what is in force, what a cluster's status is, what a split copies.

1. A decision is about one identity and stays with it, whatever it grows to, while it is dormant and when it is back.
2. Decisions of one strand answer each other: dispositions, assignments, the watches of one person; a note stands alone.
   In force about an identity are, of each strand, the last decision that a person took on it, and what came to it after
   that, copied by a split or brought in by a merger, of each origin the last. An undone decision is not in force, and
   what it had answered is again.
3. The status is what all dispositions in force say; where that is not one thing, it is `conflict`. What a merger brings
   in can contradict and never decides: an identity without dispositions of its own stays `open`.
4. A split copies to the new identity what is in force. An identity that was part of another and is itself again has
   its own decisions, and copies of what was decided on the other meanwhile.
5. Decisions on accounts and on pairs of them stay where they are.

Pure functions; nothing is ever taken away from the decisions they are given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from graphsvc.model.decisions import Decision, Merger, On, Status, Topic, copy_id
from graphsvc.model.lineage import DORMANT, MERGED


def find_active_decisions(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[Decision]:
    """The decisions that `cluster` stands under, in the order in which they came to it.

    Each is about `cluster` itself or about an identity that is part of it now.

    Args:
        decisions: all there are, or all about `cluster` and what is part of it; in any order.
        mergers: which identities are part of which now; in any order.
    """
    found = []
    for strand in sorted({decision.strand for decision in decisions}):
        found += _find_arrivals(cluster, [each for each in decisions if each.strand == strand], mergers)
    return [decision for _, decision in sorted(found, key=_get_arrival)]


def derive_status(cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]) -> Status:
    """What the dispositions of `cluster` come to."""
    dispositions = [each for each in decisions if each.topic is Topic.DISPOSITION]
    forced = find_active_decisions(cluster, dispositions, mergers)
    if not any(decision.subject == cluster for decision in forced):
        return Status.OPEN
    values = {decision.value for decision in forced}
    return Status(values.pop()) if len(values) == 1 else Status.CONFLICT


def compute_version(cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]) -> int:
    """The number of the last that people decided on `cluster` and what is part of it now, or undid; 0: nothing yet.

    Watches do not count: they are each person's own.
    """
    known = select_decisions(cluster, decisions, mergers)
    return max((each.changed for each in known if each.topic is not Topic.WATCH), default=0)


def copy_for_split(
    cluster: str, source: str, decisions: Sequence[Decision], mergers: Sequence[Merger], number: int
) -> list[Decision]:
    """What the identity `cluster`, which came off `source`, gets: a copy of each decision in force there.

    Args:
        number: of the first copy; the next ones follow.
    """
    return _copy_missing(cluster, find_active_decisions(source, decisions, mergers), decisions, number)


def copy_for_return(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger], number: int
) -> list[Decision]:
    """What `cluster`, which was part of another identity (and that perhaps of a third), gets when it is itself again: a
    copy of each decision in force that came to those while it was part of them.

    Args:
        mergers: as they were before it returned.
        number: of the first copy; the next ones follow.
    """
    into = {merger.id: merger for merger in mergers}
    meanwhile, here = [], cluster
    while here in into:
        merger = into.pop(here)
        here = merger.into
        own = [
            decision
            for decision in find_active_decisions(here, decisions, ())
            if decision.number > merger.number
        ]
        meanwhile += own
    return _copy_missing(cluster, sorted(meanwhile, key=lambda decision: decision.number), decisions, number)


def select_decisions(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[Decision]:
    """All decisions on `cluster` and on what is part of it now, in force or not, by number."""
    parts = {merger.id for merger in mergers if cluster in list_affected_identities(merger.id, mergers)} | {
        cluster
    }
    return sorted((each for each in decisions if each.subject in parts), key=lambda each: each.number)


def list_affected_identities(cluster: str, mergers: Sequence[Merger]) -> list[str]:
    """`cluster`, and the identities it is part of: those whose status a decision on it can change."""
    into = {merger.id: merger.into for merger in mergers}
    found = [cluster]
    while found[-1] in into:
        found.append(into.pop(found[-1]))
    return found


def _find_arrivals(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[tuple[int, Decision]]:
    """What is in force about `cluster`, with the number at which each came to it; sorted by that."""
    standing = [decision for decision in decisions if decision.subject == cluster and not decision.undone]
    answer = max((d for d in standing if d.origin == cluster), key=lambda d: d.number, default=None)
    since = answer.number if answer else 0
    copied: dict[str, tuple[int, Decision]] = {}
    for decision in sorted(standing, key=lambda d: d.number):
        if decision.origin != cluster and decision.number > since:
            copied[decision.origin] = (decision.number, decision)
    others = tuple(merger for merger in mergers if merger.id != cluster)
    brought = [
        (max(merger.number, number), decision)
        for merger in mergers
        if merger.into == cluster
        for number, decision in _find_arrivals(merger.id, decisions, others)
        # A copy of what was decided here: here it has been answered, or undone.
        if decision.origin != cluster
    ]
    found = [*copied.values(), *(each for each in brought if each[0] > since)]
    if answer:
        found.append((answer.number, answer))
    return sorted(found, key=_get_arrival)


def _get_arrival(arrived: tuple[int, Decision]) -> tuple[int, int]:
    return arrived[0], arrived[1].number


def _copy_missing(
    cluster: str, wanted: Iterable[Decision], decisions: Sequence[Decision], number: int
) -> list[Decision]:
    """Copies for `cluster` of what it does not have yet; one that was undone is not made again."""
    has = {decision.id for decision in decisions}
    there = {decision.id for decision in decisions if decision.subject == cluster}
    made: list[Decision] = []
    for decision in wanted:
        copy = copy_id(decision.id, cluster)
        if copy in has or decision.copied_from in there:
            continue
        made.append(
            replace(
                decision,
                id=copy,
                number=number + len(made),
                subject=cluster,
                copied_from=decision.id,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class DecisionUpdate:
    """What decisions come to with a run.

    `copies` are to be made, `mergers` say which identities are part of which now. `statuses` are of the identities
    found that decisions speak about; all others are open. `last`: the highest number in use, that of the run's mergers.
    """

    copies: list[Decision]
    mergers: list[Merger]
    statuses: dict[str, Status]
    last: int


def update_decisions(
    events: pl.DataFrame, decisions: Sequence[Decision], mergers: Sequence[Merger], last: int
) -> DecisionUpdate:
    """Applies the rules to what a run says happened.

    Args:
        events: of the run, schema `model.lineage.EVENTS`.
        decisions: all there are.
        mergers: as they were before the run.
        last: the highest number in use.
    """
    decisions = [each for each in decisions if each.on is On.CLUSTER]
    made: list[Decision] = []
    part_of = {merger.id: merger for merger in mergers}
    found: list[str] = []
    told = events.select("id", "before", "kind", "into").sort("id", "before", "kind").rows()
    for cluster, before, kind, _ in told:
        number = last + 1 + len(made)
        if kind == "revived":
            made += copy_for_return(cluster, decisions, mergers, number)
            part_of.pop(cluster, None)
        elif kind in ("split", "born") and before is not None:
            made += copy_for_split(cluster, before, decisions, mergers, number)
        if kind not in (MERGED, DORMANT):
            found.append(cluster)
    number = last + 1 + len(made)
    for cluster, before, kind, into in told:
        # What is dormant inside another can be seen there only, as what has merged.
        if whole := cluster if kind == MERGED else into:
            part_of[before] = Merger(before, whole, number)
    everything, parts = [*decisions, *made], list(part_of.values())
    decided = {decision.subject for decision in everything}
    statuses = {each: derive_status(each, everything, parts) for each in found if each in decided}
    return DecisionUpdate(made, parts, statuses, number)
