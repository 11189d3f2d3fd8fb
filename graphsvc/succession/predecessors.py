"""Keep what a run learned of successors, and find whom accounts that come after it may follow.

An account that comes later changes nothing of what the run learned: what is taken over, how often banned accounts are
replaced, what chance alone matches, and what the run's own accounts claim. It is one more user of its values, and one
more sign-up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from graphsvc.campaigns.replacement import HOUR
from graphsvc.model.arrays import expand_slices
from graphsvc.model.graph import SignalGraph
from graphsvc.succession.candidates import REACH, Estate, Lives, SignupTimes, build_estate, find_candidates
from graphsvc.succession.chance import Calibration
from graphsvc.succession.fitting import FittedPairs, compute_factors, compute_levels, settle_claims
from graphsvc.succession.inheritance import (
    INHERITED,
    TRAFFIC_EDGES,
    Candidates,
    CandidateScores,
    Chances,
    describe_candidates,
    score_candidates,
)
from graphsvc.succession.parts import CHANCE, MOMENT, PRIOR, RIVALS, write_sentence
from graphsvc.types import Floats, Ints, Ints32


@dataclass(frozen=True, eq=False)
class Predecessors:
    """Accounts that a later one may follow, their values, and what the run learned of successors.

    These were stopped shortly before the run's last sign-up, or are of a cluster: people stop them after the run.

    Attributes:
        accounts: id, ended (ms, -1 = it was not stopped), home (number of the cluster, -1 = none), claimed (share
            that the run's accounts claim); a row an account.
        signals: of `Estate`, and key.
        legacies: account · rows of `signals` + row of each value of an account; int64, sorted.
        inside: cluster · rows + row of each value in a cluster; int64, sorted.
        having: accounts of the cluster that have it, int64.
        account: accounts of the values that propose pairs, int32, sorted by `group`.
        group: the value of each: its row, or the number of rows + its place in `inside`; int64.
        born: sign-ups of the run, ms, int64; of accounts that were made late enough to matter.
        born_home: their clusters, int32.
        inherits: kind, chance to take over a value of it.
        homes: size, replaced (share that is replaced); row 0 of all accounts and of pairs in no cluster.
        calibration: probability by level, float64; row 0 of births outside of clusters, row 1 inside.
        raised: factor of all odds (`fitting.Rivalry`).
        until: last sign-up of the run, ms.
        joining: 1: accounts that are asked about are not in the run's counts. 0: they are.
    """

    accounts: pl.DataFrame
    signals: pl.DataFrame
    legacies: Ints
    inside: Ints
    having: Ints
    account: Ints32
    group: Ints
    born: Ints
    born_home: Ints32
    inherits: pl.DataFrame
    homes: pl.DataFrame
    calibration: Floats
    raised: float
    until: int
    joining: int

    @cached_property
    def estate(self) -> Estate:
        """The values, as pairs are found by; without the accounts that are asked about."""
        nothing = np.empty(0, dtype=np.int32)
        row = np.arange(self.signals.height, dtype=np.int32)
        begins = np.zeros(1, dtype=np.int64)
        return Estate(
            self.signals, pl.DataFrame(), row, begins, nothing, self.legacies, self.inside, self.having,
            self.account, self.group,
        )  # fmt: skip

    @cached_property
    def lives(self) -> Lives:
        """The accounts that may be followed. None of them is asked about, so their sign-ups are left out."""
        ended, home = (self.accounts[name].to_numpy() for name in ("ended", "home"))
        return Lives(np.full(len(ended), -1, dtype=np.int64), ended, home)

    @cached_property
    def births(self) -> SignupTimes:
        """The sign-ups of the run."""
        return SignupTimes.of(Lives(self.born, np.full(len(self.born), -1), self.born_home))

    @cached_property
    def chances(self) -> Chances:
        """Habits of successors. Of traffic nothing is known of an account that has just signed up."""
        kinds = tuple(self.inherits["kind"])
        silent = np.zeros(len(TRAFFIC_EDGES) + 1)
        return Chances(kinds, self.inherits["chance"].to_numpy(), self.homes["replaced"].to_numpy(), silent)

    @cached_property
    def calibrations(self) -> list[Calibration]:
        """Worth of odds, outside of clusters and inside."""
        nothing = np.empty(0)
        return [Calibration(each, 1.0, nothing, nothing) for each in self.calibration]

    @cached_property
    def claimed(self) -> Floats:
        """Claims of the run's accounts on each."""
        return self.accounts["claimed"].to_numpy()

    @cached_property
    def size(self) -> Ints:
        """Accounts of each cluster, with the one that is asked about."""
        return self.homes["size"].to_numpy()[1:] + self.joining

    def update_ends(self, ends: Mapping[str, int]) -> "Predecessors":
        """Return the same with what is known since the run.

        Args:
            ends: by account, when it was stopped (ms), -1 = it is not stopped any more.
        """
        told = pl.DataFrame(
            {"id": list(ends), "now": list(ends.values())}, schema={"id": pl.String, "now": pl.Int64}
        )
        accounts = self.accounts.join(told, on="id", how="left", maintain_order="left")
        return replace(self, accounts=accounts.with_columns(ended=pl.coalesce("now", "ended")).drop("now"))

    def names(self, accounts: Collection[str]) -> bool:
        """Return whether any of these ids is here."""
        return self.accounts["id"].is_in(list(accounts)).any()

    def forget(self, accounts: Collection[str]) -> "Predecessors":
        """Return the same without these ids: no sign-up follows such an account."""
        gone = pl.col("id").is_in(list(accounts))
        # The rows stay, without id and end: other arrays name accounts by their row.
        kept = self.accounts.with_columns(
            id=pl.when(gone).then(pl.lit("")).otherwise("id"), ended=pl.when(gone).then(-1).otherwise("ended")
        )
        return replace(self, accounts=kept)

    @cached_property
    def proposals(self) -> Ints:
        """First place in `account` of each group, and the end of the last."""
        groups = self.signals.height + len(self.inside)
        return np.searchsorted(self.group, np.arange(groups + 1))


@dataclass(frozen=True, slots=True)
class NewAccounts:
    """Accounts that may follow one.

    Attributes:
        created: sign-up of each, ms since 1970, -1 = not known; int64.
        home: number of the cluster that each is of, -1 = none; int32.
        account: account of each use, int32, sorted.
        row: row of its value in `Predecessors.signals`, int32, sorted within an account; each once.
    """

    created: Ints
    home: Ints32
    account: Ints32
    row: Ints32


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A stopped account that a new one may follow.

    Attributes:
        successor: place of the new account.
        account: id of the stopped one.
        home: number of its cluster, -1 = none.
        probability: 0–1.
        delay_hours: from the ban to the sign-up.
        parts: bits of each family and part, as of `successions.PAIRS`.
        description: a sentence.
    """

    successor: int
    account: str
    home: int
    probability: float
    delay_hours: float
    parts: dict[str, float]
    description: str


def keep_predecessors(
    graph: SignalGraph, lives: Lives, fitted: FittedPairs, *, since: int | None = None, joining: int = 1
) -> Predecessors:
    """Keep what pairs a later account with those whom it may follow.

    Args:
        graph: as of `build_estate`.
        lives: when accounts were made and stopped.
        fitted: the run's own pairs.
        since: accounts that were stopped from this moment on are kept, ms. None: 72 hours before the last sign-up,
            before which no later account may follow them. Those of clusters that were not stopped are kept, too.
        joining: as of `build_estate`.
    """
    until = int(lives.created.max(initial=-1))
    since = until - REACH if since is None else since
    # Those of clusters are kept although they are active: a ban may come after the run (`update_ends`).
    lately = lives.ended >= max(since, 0)
    # Those stopped earlier can be followed by no one: only a later ban would count.
    legators = np.flatnonzero(lately | ((lives.home >= 0) & (lives.ended < 0)))
    estate = build_estate(graph, lives, legators=legators, joining=joining)
    rows = np.int64(max(estate.signals.height, 1))
    # Numbered densely: the file has a small part of all accounts.
    number = np.full(len(lives.home), -1, dtype=np.int32)
    number[legators] = np.arange(len(legators), dtype=np.int32)
    legacies = np.sort(number[estate.legacies // rows] * rows + estate.legacies % rows)
    proposing = number[estate.account] >= 0
    born = np.flatnonzero(lives.created >= max(since - REACH, 0))
    claims = np.bincount(
        fitted.real.pairs["predecessor"].to_numpy(), fitted.rivalry.claims, minlength=len(lives.home)
    )
    learned = dict(zip(fitted.chances.kinds, fitted.chances.inherits.tolist(), strict=True))
    # A kind that no pair of the run had still gets a chance, or a later sign-up with it could not be weighed.
    kinds = sorted({*learned, *estate.signals["kind"].unique()})
    homes = len(fitted.chances.replaced)
    size = np.bincount(lives.home + 1, minlength=homes)
    # Pairs in no cluster are compared with all accounts.
    size[0] = len(lives.home)
    return Predecessors(
        accounts=pl.DataFrame({
            "id": graph.accounts["id"].gather(legators),
            "ended": lives.ended[legators],
            "home": lives.home[legators],
            "claimed": claims[legators],
        }),
        signals=estate.signals.with_columns(key=graph.signals["key"].gather(estate.signals["signal"])),
        legacies=legacies,
        inside=estate.inside,
        having=estate.having,
        account=number[estate.account[proposing]],
        group=estate.group[proposing],
        born=lives.created[born],
        born_home=lives.home[born],
        inherits=pl.DataFrame({"kind": kinds, "chance": [learned.get(kind, INHERITED) for kind in kinds]}),
        homes=pl.DataFrame({"size": size, "replaced": fitted.chances.replaced}),
        calibration=np.stack([each.probability for each in fitted.calibrations]),
        raised=fitted.rivalry.raised,
        until=until,
        joining=joining,
    )  # fmt: skip


def find_predecessors(kept: Predecessors, new: NewAccounts, *, best: int, least: float) -> list[Predecessor]:
    """Find whom new accounts may follow, as the run has found it for its own.

    Traffic says nothing of an account that has just signed up. Who signs up in the 72 hours after the run's last
    sign-up is not known: as many as in the 72 hours before are presumed.

    Args:
        kept: of a run.
        new: the accounts.
        best: candidates of each that are returned, at most.
        least: probability from which they are.

    Returns:
        The candidates by account, the likeliest first.
    """
    stopped = kept.accounts.height
    # Candidates come by a shared group; only stopped users of one count, and most groups have none.
    whose, mine = _list_groups(kept, new)
    groups = np.unique(mine)
    group, at = expand_slices(kept.proposals[groups], kept.proposals[groups + 1])
    stopped_users = np.flatnonzero(kept.lives.ended[kept.account[at]] >= 0)
    group, at = group[stopped_users], at[stopped_users]
    if not len(at) and not (new.home >= 0).any():
        return []
    uses = np.searchsorted(new.account, np.arange(len(new.created) + 1))
    estate = replace(
        kept.estate,
        begins=np.concatenate([np.zeros(stopped, dtype=np.int64), uses]),
        signal=new.row,
        account=np.concatenate([kept.account[at], (stopped + whose).astype(np.int32)]),
        group=np.concatenate([groups[group], mine]),
    )
    nothing = np.full(len(new.created), -1, dtype=np.int64)
    # The kept accounts first, then the new ones: places of the new begin at `stopped`.
    lives = Lives(
        np.concatenate([kept.lives.created, new.created]),
        np.concatenate([kept.lives.ended, nothing]),
        np.concatenate([kept.lives.home, new.home]),
    )
    pairs = find_candidates(lives, estate)
    if pairs.is_empty():
        return []
    proposed = _describe_pairs(kept, pairs, estate, lives.created[pairs["successor"].to_numpy()])
    weighed = score_candidates(proposed, kept.chances)
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    # Odds alone would count agreement that strangers have too; the run's calibration takes it off.
    level = compute_levels(pairs, weighed.odds, len(lives.home))
    by_chance = compute_factors(level, lives.home, kept.calibrations)[successor]
    probability, rivals = settle_claims(
        successor, weighed.odds * by_chance, kept.claimed[predecessor], kept.raised
    )
    found: list[Predecessor] = []
    taken = dict[int, int]()
    hours = pairs["delay"] / HOUR
    for row in np.lexsort(
        (predecessor, proposed.pairs["delay"].to_numpy(), -probability, successor)
    ).tolist():
        place = int(successor[row]) - stopped
        if probability[row] < least or taken.get(place, 0) >= best:
            continue
        taken[place] = taken.get(place, 0) + 1
        factors = {CHANCE: float(np.log2(by_chance[row])), RIVALS: float(np.log2(rivals[row]))}
        parts = _collect_parts(proposed, weighed, row) | factors
        delay, likely = float(hours[row]), float(probability[row])
        account, home = kept.accounts.select("id", "home").row(int(predecessor[row]))
        found.append(
            Predecessor(place, account, home, likely, delay, parts, write_sentence(delay, parts, likely))
        )
    return found


def _list_groups(kept: Predecessors, new: NewAccounts) -> tuple[Ints, Ints]:
    """Return the groups that new accounts are in: account (place), group; int64, parallel."""
    # Pairs of cluster and value as one number, as the run stored them, so that one search finds all.
    rows = np.int64(max(kept.signals.height, 1))
    home = new.home[new.account]
    inside = np.flatnonzero(home >= 0)
    asked = home[inside] * rows + new.row[inside]
    place = np.searchsorted(kept.inside, asked)
    known = place < len(kept.inside)
    known[known] = kept.inside[place[known]] == asked[known]
    account = np.concatenate([new.account, new.account[inside[known]]]).astype(np.int64)
    return account, np.concatenate([new.row.astype(np.int64), rows + place[known]])


def _describe_pairs(kept: Predecessors, pairs: pl.DataFrame, estate: Estate, moment: Ints) -> Candidates:
    """Describe pairs by the run's counts, each new account being one more."""
    around = kept.births.count_around(np.minimum(moment, kept.until), pairs["home"].to_numpy())
    # Of the hours after the run's last sign-up none is known: the count covers 72 hours instead of twice 72.
    around = np.where(moment > kept.until, 2 * around, around) + kept.joining
    accounts = int(kept.homes["size"][0]) + kept.joining
    return describe_candidates(pairs, estate, kept.chances.kinds, accounts, kept.size, around)


def _collect_parts(proposed: Candidates, weighed: CandidateScores, row: int) -> dict[str, float]:
    """Return the bits of a pair's families, those of most bits first, then of its moment and the prior."""
    of_pair = np.flatnonzero(proposed.common["pair"].to_numpy() == row)
    families: dict[str, float] = {}
    for name, value in zip(proposed.common["family"].gather(of_pair), weighed.value[of_pair], strict=True):
        families[name] = families.get(name, 0.0) + float(value)
    ranked = sorted(families.items(), key=lambda each: (-each[1], each[0]))
    return {**dict(ranked), MOMENT: float(proposed.moment[row]), PRIOR: float(weighed.prior[row])}
