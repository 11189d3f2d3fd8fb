"""Say what a score means: the nearest published clusters, why, what to mind, what is missing, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from graphsvc.campaigns.budget import FLOOR
from graphsvc.campaigns.evidence import NAMES
from graphsvc.campaigns.explain import TIME
from graphsvc.campaigns.membership import Weighed
from graphsvc.model.clusters import PRIOR, Assessment
from graphsvc.scoring.index import CROWDED, ScoreIndex
from graphsvc.scoring.recent import ProvisionalGroup
from graphsvc.scoring.signups import Signups, place_signups
from graphsvc.scoring.weigh import weigh_accounts
from graphsvc.signals.kinds import DERIVED_NOUNS, kind_of
from graphsvc.succession.parts import CHANCE, MOMENT, RIVALS
from graphsvc.succession.parts import PRIOR as FOLLOWING
from graphsvc.succession.predecessors import NewAccounts, Predecessors, find_predecessors

NEAREST = 3
"""Published clusters of an answer, at most: the first decides, the others are for people who look."""
LEAST_FOLLOWING = 0.01
"""Probability from which an answer names a banned account. One in a hundred is still worth an analyst's look."""


class Recommendation(StrEnum):
    """Advice about a sign-up, by the installation's thresholds."""

    ALLOW = "allow"
    CHALLENGE = "challenge"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Memberships of a campaign from which a sign-up is challenged and reviewed, 0-1.

    Attributes:
        challenge: by default `budget.FLOOR`: it is more likely a member than not.
        review: None stands for the least membership that the run has published. It follows from the run's
            false-positive budget: a sign-up that passes it would be published as a member, were the run to read it.
    """

    challenge: float = FLOOR
    review: float | None = None


@dataclass(frozen=True, slots=True)
class FamilyBits:
    """Bits that a family of values speaks for a cluster, negative if against, and a sentence."""

    family: str
    bits: float
    description: str


@dataclass(frozen=True, slots=True)
class Match:
    """A published cluster that a sign-up may belong to.

    Attributes:
        cluster: its lasting id.
        assessment: campaign or likely business.
        hostility: probability that the cluster is a campaign, 0-1.
        coordination: probability that one operator runs it, 0-1.
        size: its members at the run.
        stopped: share of them that were banned or suspended, 0-1.
        membership: probability that the sign-up is of it, 0-1.
        bits: sum of `families`.
        families: the evidence, strongest first, with the pseudo-families `time` and `prior`.
    """

    cluster: str
    assessment: Assessment
    hostility: float
    coordination: float
    size: int
    stopped: float
    membership: float
    bits: float
    families: tuple[FamilyBits, ...]


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value of a sign-up that says little, by its kind, and why."""

    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class ScorePredecessor:
    """A banned or suspended account that a sign-up may follow.

    Attributes:
        account: its id.
        cluster: id of its published campaign, None for none.
        probability: that the sign-up follows it, 0-1.
        delay_hours: from the ban to the sign-up.
        families: the parts of the odds, `succession.parts` among them; their bits add up to the log2 of the odds.
        description: a sentence.
    """

    account: str
    cluster: str | None
    probability: float
    delay_hours: float
    families: tuple[FamilyBits, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Score:
    """Answer about one sign-up.

    Attributes:
        recommendation: by the installation's thresholds.
        reason: a sentence.
        matches: the nearest published clusters, the best first.
        other_group: whether a group that is not published explains the sign-up better than `matches` do.
        warnings: values that very many accounts share.
        missing: families of the run that the sign-up has no value of, and `time` where its moment says nothing.
        unread: columns whose value could not be read.
        provisional: the accounts since the run that it hangs together with.
        predecessors: the banned accounts that it may follow, the likeliest first.
    """

    recommendation: Recommendation
    reason: str
    matches: tuple[Match, ...] = ()
    other_group: bool = False
    warnings: tuple[SharedValue, ...] = ()
    missing: tuple[str, ...] = ()
    unread: tuple[str, ...] = field(default=())
    provisional: ProvisionalGroup | None = None
    predecessors: tuple[ScorePredecessor, ...] = ()


def score_signups(
    index: ScoreIndex, signups: Signups, thresholds: Thresholds, stopped: Predecessors | None = None
) -> list[Score]:
    """Score sign-ups against the clusters of an index; one answer a sign-up, in their order.

    Args:
        index: of a run.
        signups: as read.
        thresholds: of the installation.
        stopped: of the index, with bans that came since its run; None: as the run knew them.
    """
    standing, values, warned, inherited = place_signups(index, signups)
    weighed = weigh_accounts(index, standing, values)
    found = _match_published(index, weighed)
    predecessors = _find_predecessors(index, stopped or index.stopped, signups, inherited, found)
    warnings: dict[int, list[SharedValue]] = {}
    for account, kind, which in warned:
        warnings.setdefault(account, []).append(SharedValue(kind, _describe_warning(kind, which)))
    unread: dict[int, list[str]] = {}
    for account, column in signups.unread:
        unread.setdefault(account, []).append(column)
    # Outside of the run's own time nothing is known of how many sign up, so a moment says nothing.
    span = (index.moments[0], index.moments[-1]) if len(index.moments) else (0, -1)
    timed = (signups.created_at >= span[0]) & (signups.created_at <= span[1])
    answers = []
    for account in range(signups.accounts):
        matches, other_group = found.get(account, ((), False))
        recommendation, reason = recommend(index, matches, thresholds, other_group=other_group)
        # Told, so that the caller can send what would make the answer surer.
        missing = [name for name, has in zip(index.families, standing.has[account], strict=True) if not has]
        score = Score(
            recommendation,
            reason,
            matches,
            other_group,
            tuple(warnings.get(account, ())),
            tuple(missing if timed[account] else [*missing, TIME]),
            tuple(dict.fromkeys(unread.get(account, ()))),
        )
        answers.append(_add_predecessors(score, tuple(predecessors.get(account, ())), thresholds))
    return answers


def recommend(
    index: ScoreIndex, matches: Sequence[Match], thresholds: Thresholds, *, other_group: bool
) -> tuple[Recommendation, str]:
    """Recommend what to do with a sign-up, and say why.

    As in a run, an account is of its best cluster alone. Membership of a likely business, or of a group that is not
    published, is no reason to stop it.

    Args:
        index: of the run.
        matches: the nearest published clusters, the best first.
        thresholds: of the installation.
        other_group: whether a group that is not published explains the sign-up better.
    """
    # By default as sure as a run must be to publish a member: reviewed is who would be a member.
    review = index.least if thresholds.review is None else thresholds.review
    if not matches:
        return Recommendation.ALLOW, "Nothing strong connects it with a published cluster."
    best = matches[0]
    if other_group:
        return Recommendation.ALLOW, "A group that is not published explains it better."
    if best.assessment is not Assessment.CAMPAIGN:
        return Recommendation.ALLOW, "The nearest cluster is a likely business."
    told = f"It belongs to a campaign with {best.membership:.1%}"
    if best.membership >= review:
        return Recommendation.REVIEW, f"{told}; from {review:.1%} on sign-ups are reviewed."
    if best.membership >= thresholds.challenge:
        return Recommendation.CHALLENGE, f"{told}; from {thresholds.challenge:.1%} on they are challenged."
    return Recommendation.ALLOW, f"{told}, less than {min(thresholds.challenge, review):.1%}."


def add_group(score: Score, group: ProvisionalGroup | None) -> Score:
    """Add the accounts since the run that a sign-up hangs together with.

    A group that no run has weighed is a reason to ask for more, and none to have people look. A likely business, and a
    group that is not published, explain the sign-up as they do without it.

    Args:
        score: against the run.
        group: of the same sign-up.
    """
    if group is None:
        return score
    score = replace(score, provisional=group)
    return _challenge(score, "It hangs together with other accounts that signed up since the last run.")


def _challenge(score: Score, reason: str) -> Score:
    """Challenge a sign-up that would be allowed, unless a business or an unpublished group explains it."""
    best = score.matches[0] if score.matches else None
    is_business = best and best.assessment is not Assessment.CAMPAIGN and best.membership >= FLOOR
    # A business shares values for reasons of its own, which must not stop the next account of it.
    explained = score.other_group or is_business
    if score.recommendation is not Recommendation.ALLOW or explained:
        return score
    return replace(score, recommendation=Recommendation.CHALLENGE, reason=reason)


def _add_predecessors(
    score: Score, predecessors: tuple[ScorePredecessor, ...], thresholds: Thresholds
) -> Score:
    """Add the accounts that a sign-up may follow: who comes back after a ban is asked for more."""
    if not predecessors:
        return score
    score = replace(score, predecessors=predecessors)
    best = predecessors[0].probability
    if best < thresholds.challenge:
        return score
    return _challenge(score, f"It follows a banned account with {best:.1%}.")


def _find_predecessors(
    index: ScoreIndex,
    stopped: Predecessors | None,
    signups: Signups,
    inherited: NDArray[np.int32],
    matched: Mapping[int, tuple[tuple[Match, ...], bool]],
) -> dict[int, list[ScorePredecessor]]:
    """Find the banned accounts that sign-ups may follow, by sign-up.

    A sign-up is of the campaign that the run would publish it in, and of none otherwise.
    """
    if stopped is None:
        return {}
    home = np.full(signups.accounts, -1, dtype=np.int32)
    for account, (matches, other_group) in matched.items():
        best = matches[0] if matches and not other_group else None
        if best and best.assessment is Assessment.CAMPAIGN and best.membership >= index.least:
            home[account] = index.rows[best.cluster]
    new = NewAccounts(signups.created_at, home, inherited[:, 0], inherited[:, 1])
    found: dict[int, list[ScorePredecessor]] = {}
    for each in find_predecessors(stopped, new, best=NEAREST, least=LEAST_FOLLOWING):
        parts = tuple(
            FamilyBits(name, bits, _describe_part(name)) for name, bits in each.parts.items() if bits
        )
        cluster = index.facts[each.home]["id"] if each.home >= 0 else None
        found.setdefault(each.successor, []).append(
            ScorePredecessor(
                each.account, cluster, each.probability, each.delay_hours, parts, each.description
            )
        )
    return found


def _describe_part(name: str) -> str:
    """Describe a part of the odds that a sign-up follows an account."""
    return (
        _PARTS.get(name) or f"It has {NAMES.get(name, f'values of the kind {name}')} of the banned account."
    )


_PARTS = {
    MOMENT: "It came within three days of the ban, while so many others signed up.",
    FOLLOWING: "Before any evidence, few sign-ups follow this account.",
    CHANCE: "As often do sign-ups at other times agree so by chance.",
    RIVALS: "Other new accounts may follow the same one.",
}


def _match_published(index: ScoreIndex, weighed: Weighed) -> dict[int, tuple[tuple[Match, ...], bool]]:
    """Find the nearest published clusters of each account, and whether a group that is not published is nearer."""
    if not len(weighed.cluster):
        return {}
    # The cluster's number decides ties, so that equal calls have equal answers.
    order = np.lexsort((weighed.cluster, -weighed.bits, weighed.account))
    places = np.searchsorted(index.numbers, weighed.cluster)
    found: dict[int, tuple[list[Match], bool]] = {}
    for at in order.tolist():
        matches, _ = found.setdefault(int(weighed.account[at]), ([], False))
        row = int(index.stands[places[at]])
        if row < 0:
            # Only the very best: a group behind a published cluster explains nothing that the cluster does not.
            if not matches and weighed.membership[at] >= FLOOR:
                found[int(weighed.account[at])] = (matches, True)
        elif len(matches) < NEAREST:
            matches.append(_describe_match(index, weighed, at, row))
    return {account: (tuple(matches), other and bool(matches)) for account, (matches, other) in found.items()}


def _describe_match(index: ScoreIndex, weighed: Weighed, at: int, row: int) -> Match:
    bits = [*weighed.families[at].tolist(), float(weighed.time[at]), float(weighed.prior[at])]
    names = [*index.families, TIME, PRIOR]
    parts = [
        FamilyBits(name, value, _describe_family(name, value))
        for name, value in zip(names, bits, strict=True)
        if value
    ]
    # Names decide between equal bits, so that equal calls have equal answers.
    parts.sort(key=lambda part: (-part.bits, part.family))
    facts = index.facts[row]
    return Match(
        facts["id"], Assessment(facts["assessment"]), facts["score"], facts["coordination"], facts["size"],
        facts["stopped"], float(weighed.membership[at]), float(np.sum(bits)), tuple(parts),
    )  # fmt: skip


def _describe_family(family: str, bits: float) -> str:
    """Describe what the bits of a family mean, without any value."""
    if family == PRIOR:
        return "Before any evidence, few accounts are of this cluster."
    if family == TIME:
        return (
            "It signed up when members of the cluster did."
            if bits > 0
            else "It signed up apart from the cluster's members."
        )
    name = NAMES.get(family, f"values of the kind {family}")
    if bits > 0:
        return f"It shares {name} that the cluster uses more than others do."
    return f"It shares few or none of the {name} that the cluster's members have."


def _describe_warning(kind: str, which: int) -> str:
    noun = DERIVED_NOUNS.get(kind) or kind_of(kind).noun or kind
    if which == CROWDED:
        return f"Many people are behind this {noun}: it says little about any of them."
    return f"Very many accounts share this {noun}: do not block it."
