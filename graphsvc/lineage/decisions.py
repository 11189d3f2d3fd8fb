"""Let people's decisions follow identities through growth, splits, mergers and dormancy.

1. A decision is about one identity. It stays with that identity, however it grows, rests or returns.
2. Decisions of one strand supersede each other: dispositions, assignments, the watches of one person. A note
   stands alone.
3. In each strand, an identity's last own decision is active. Later copies and later mergers add to it, one of
   each origin.
4. An undone decision is not active. The decision that it superseded is active again.
5. The status is the value that all active dispositions share, or `conflict` if they differ.
6. Dispositions that a merger brings in never decide alone. An identity without dispositions of its own stays
   `open`.
7. A split copies the active decisions to the new identity.
8. An identity that returns from a merger keeps its own decisions. It gets copies of those taken on its host
   meanwhile.
9. Decisions on accounts and on pairs of accounts stay where they are.

All functions are pure. They never remove a decision.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from graphsvc.model.decisions import Decision, Merger, On, Status, Topic, build_copy_id
from graphsvc.model.lineage import DORMANT, MERGED


def find_active_decisions(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[Decision]:
    """Return the active decisions of `cluster`, in the order they came to it.

    Each is about `cluster` itself or about an identity that is part of it now.

    Args:
        cluster: id of the identity.
        decisions: all decisions, or all on `cluster` and on its parts, in any order.
        mergers: current parts and their hosts, in any order.

    Returns:
        Decisions, by the number at which each came to `cluster`.
    """
    found = []
    for strand in sorted({decision.strand for decision in decisions}):
        found += _find_arrivals(cluster, [each for each in decisions if each.strand == strand], mergers)
    return [decision for _, decision in sorted(found, key=_get_arrival)]


def derive_status(cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]) -> Status:
    """Return the status that the active dispositions of `cluster` agree on.

    Returns:
        `OPEN` without a disposition of its own, `CONFLICT` if the active ones differ, else their value.
    """
    dispositions = [each for each in decisions if each.topic is Topic.DISPOSITION]
    forced = find_active_decisions(cluster, dispositions, mergers)
    if not any(decision.subject == cluster for decision in forced):
        return Status.OPEN
    values = {decision.value for decision in forced}
    return Status(values.pop()) if len(values) == 1 else Status.CONFLICT


def compute_version(cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]) -> int:
    """Return the number of the last change to the decisions on `cluster` and on its parts.

    Watches do not count, because each belongs to one person.

    Returns:
        The highest number of a decision or an undo; 0 if there is none.
    """
    known = select_decisions(cluster, decisions, mergers)
    return max((each.changed for each in known if each.topic is not Topic.WATCH), default=0)


def copy_for_split(
    cluster: str, source: str, decisions: Sequence[Decision], mergers: Sequence[Merger], number: int
) -> list[Decision]:
    """Return copies for `cluster`, which split off `source`, of the active decisions of `source`.

    Args:
        cluster: id of the new identity.
        source: id of the identity that it split off.
        decisions: all decisions.
        mergers: as they were before the split.
        number: of the first copy; later copies count up from it.
    """
    return _copy_missing(cluster, find_active_decisions(source, decisions, mergers), decisions, number)


def copy_for_return(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger], number: int
) -> list[Decision]:
    """Return copies for `cluster`, which was part of other identities and is separate again.

    It gets each active decision that came to its hosts while it was part of them.

    Args:
        cluster: id of the identity that returned.
        decisions: all decisions.
        mergers: as they were before it returned. A host can itself be part of a third identity.
        number: of the first copy; later copies count up from it.
    """
    # Walk up the chain of hosts. `pop` ends the walk even if stored mergers form a circle.
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
    """Return all decisions on `cluster` and on its parts, active or not, sorted by number."""
    parts = {merger.id for merger in mergers if cluster in list_affected_identities(merger.id, mergers)} | {
        cluster
    }
    return sorted((each for each in decisions if each.subject in parts), key=lambda each: each.number)


def list_affected_identities(cluster: str, mergers: Sequence[Merger]) -> list[str]:
    """Return `cluster` and the identities it is part of, the innermost first.

    A decision on `cluster` can change the status of each.
    """
    into = {merger.id: merger.into for merger in mergers}
    found = [cluster]
    while found[-1] in into:
        found.append(into.pop(found[-1]))
    return found


def _find_arrivals(
    cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[tuple[int, Decision]]:
    """Return the active decisions of one strand with the number at which each came to `cluster`, sorted."""
    standing = [decision for decision in decisions if decision.subject == cluster and not decision.undone]
    # The identity's own last decision supersedes all that came before it, copies and mergers too.
    answer = max((d for d in standing if d.origin == cluster), key=lambda d: d.number, default=None)
    since = answer.number if answer else 0
    copied: dict[str, tuple[int, Decision]] = {}
    for decision in sorted(standing, key=lambda d: d.number):
        if decision.origin != cluster and decision.number > since:
            copied[decision.origin] = (decision.number, decision)
    # Leave `cluster` out of the recursion, so that mergers in a circle end.
    others = tuple(merger for merger in mergers if merger.id != cluster)
    brought = [
        (max(merger.number, number), decision)
        for merger in mergers
        if merger.into == cluster
        for number, decision in _find_arrivals(merger.id, decisions, others)
        # A copy of a decision taken here is superseded or undone here already.
        if decision.origin != cluster
    ]
    found = [*copied.values(), *(each for each in brought if each[0] > since)]
    if answer:
        found.append((answer.number, answer))
    return sorted(found, key=_get_arrival)


def _get_arrival(arrived: tuple[int, Decision]) -> tuple[int, int]:
    """Return the sort key of an arrival: its number, then the decision's own."""
    return arrived[0], arrived[1].number


def _copy_missing(
    cluster: str, wanted: Iterable[Decision], decisions: Sequence[Decision], number: int
) -> list[Decision]:
    """Return copies of `wanted` for `cluster`, without those that it has. An undone copy is not made again."""
    has = {decision.id for decision in decisions}
    there = {decision.id for decision in decisions if decision.subject == cluster}
    made: list[Decision] = []
    for decision in wanted:
        # The id follows from the decision and the cluster, so a second run makes the same copy and skips it.
        copy = build_copy_id(decision.id, cluster)
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
    """Changes to decisions that a run brings.

    Attributes:
        copies: decisions to add.
        mergers: current parts and their hosts.
        statuses: of the identities found that have decisions; all others are open.
        last: the highest number in use, which is that of the run's mergers.
    """

    copies: list[Decision]
    mergers: list[Merger]
    statuses: dict[str, Status]
    last: int


def update_decisions(
    events: pl.DataFrame, decisions: Sequence[Decision], mergers: Sequence[Merger], last: int
) -> DecisionUpdate:
    """Apply the rules to the events of a run.

    Args:
        events: of the run, schema `model.lineage.EVENTS`.
        decisions: all decisions.
        mergers: as they were before the run.
        last: the highest number in use.
    """
    decisions = [each for each in decisions if each.on is On.CLUSTER]
    made: list[Decision] = []
    part_of = {merger.id: merger for merger in mergers}
    found: list[str] = []
    # Sort first: numbers of copies follow the order of events, and must not depend on the order of rows.
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
        # An identity that rests inside another is visible only there, as a merged one is.
        if whole := cluster if kind == MERGED else into:
            part_of[before] = Merger(before, whole, number)
    everything, parts = [*decisions, *made], list(part_of.values())
    decided = {decision.subject for decision in everything}
    statuses = {each: derive_status(each, everything, parts) for each in found if each in decided}
    return DecisionUpdate(made, parts, statuses, number)
