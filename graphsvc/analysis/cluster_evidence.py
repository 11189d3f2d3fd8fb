"""One cluster with everything that its members use, and which of it ties them to each other.

What ties is what makes links (`linkage.pairs`), with one difference: how rare a value is is told by the accounts
outside the cluster alone. Two members are linking by a value that the cluster uses more than others do
(`membership.pools`), of a kind that ties, that is no hub and not behind an address of many people by design, in no
use in passing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array

from graphsvc.campaigns.membership import Evidence, pools
from graphsvc.campaigns.uses import Uses
from graphsvc.linkage.bits import by_kind
from graphsvc.linkage.pairs import CROWDED, ONE_OBSERVATION, SOLE_DEGREE, is_rare
from graphsvc.model.columns import Schema
from graphsvc.signals.kinds import DERIVED, family_of, kind_of, level_of

SAME_USERS = 0.8
"""Of two values that repeat one observation, the rarer is no other one when so many of its users have both."""

MEMBERS: Schema = {
    "id": pl.String,
    "membership": pl.Float64,
    "bits": pl.Float64,
    "status": pl.String,
    "created_at": pl.Int64,
    "status_changed_at": pl.Int64,
}
SIGNALS: Schema = {
    "key": pl.String,
    "kind": pl.String,
    "parent": pl.String,
    "grandparent": pl.String,
    "class": pl.String,
    "degree": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class ClusterEvidence:
    """A cluster: its members and the signals that more than one of them uses.

    `members` (schema `MEMBERS`, sorted by id; times in ms since 1970, -1 = not known) and `signals` (`SIGNALS`,
    sorted by key; `degree`: all accounts that use it, members or not). `account` and `signal` (int32 row numbers),
    `first_seen`, `last_seen` (int64 ms, -1 = not known) and `passing` (bool: a use begun and ended at once, see
    `bits.in_passing`) are parallel, one a use, sorted by account, then signal. `population` is the number of all
    accounts there are.
    """

    cluster: str
    members: pl.DataFrame
    signals: pl.DataFrame
    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    passing: NDArray[np.bool_]
    population: int

    @property
    def families(self) -> pl.Series:
        """Family of each signal."""
        kinds = self.signals["kind"]
        names = {kind: family_of(kind) for kind in kinds.unique()}
        return kinds.replace_strict(names, return_dtype=pl.String)

    def keep_only(self, accounts: NDArray[np.bool_], signals: NDArray[np.bool_]) -> "ClusterEvidence":
        """What is left with some of the members (bool, one a member) and of the signals (bool, one a signal).

        Accounts left out are no outsiders afterwards: they are gone, from a signal's degree and the population too.
        """
        gone = np.bincount(self.signal[~accounts[self.account]], minlength=self.signals.height)
        uses = accounts[self.account] & signals[self.signal]
        row = (np.cumsum(accounts) - 1).astype(np.int32)
        column = (np.cumsum(signals) - 1).astype(np.int32)
        return replace(
            self,
            members=self.members.filter(pl.Series(accounts)),
            signals=self.signals.with_columns(degree=pl.col("degree") - pl.Series(gone)).filter(
                pl.Series(signals)
            ),
            account=row[self.account[uses]],
            signal=column[self.signal[uses]],
            first_seen=self.first_seen[uses],
            last_seen=self.last_seen[uses],
            passing=self.passing[uses],
            population=self.population - int((~accounts).sum()),
        )

    def exclude_evidence(
        self, signals: Collection[str] = (), families: Collection[str] = (), accounts: Collection[str] = ()
    ) -> "ClusterEvidence":
        """What is left without some signals (keys), families and accounts (ids); those that are not there change
        nothing."""
        keys = self.signals["key"].is_in(list(signals)) | self.families.is_in(list(families))
        ids = self.members["id"].is_in(list(accounts))
        return self.keep_only(~ids.to_numpy(), ~keys.to_numpy())


@dataclass(frozen=True, slots=True)
class LinkingUses:
    """Who is linking by what: the uses of values that tie, as a bipartite graph.

    `accounts` is the number of members. `account` and `value` (int32, parallel) are the uses, sorted by account, then
    value. Of each value: `bits` (float64) are what sharing it says, log2(m/u) with u the share of outsiders who have
    it; `outside` (int64) how many those are; `alone` (bool) whether it makes a link by itself, as cards, devices and
    phone numbers of few do. `of`: the value of each signal of the cluster (int32, -1: it does not tie); bands of one
    template are one value.
    """

    accounts: int
    account: NDArray[np.int32]
    value: NDArray[np.int32]
    bits: NDArray[np.float64]
    outside: NDArray[np.int64]
    sufficient: NDArray[np.bool_]
    value_of: NDArray[np.int32]

    def select_uses(self, which: NDArray[np.bool_]) -> "LinkingUses":
        """The same with some of the uses (bool, one a use); values and accounts keep their numbers."""
        return replace(self, account=self.account[which], value=self.value[which])


def find_pool(evidence: ClusterEvidence) -> pl.DataFrame:
    """What the cluster uses more than others do: `membership.pools`, of values themselves.

    Returns:
        signal (int32, row of `evidence.signals`), inside (members with it), outside (others with it), bits; sorted.
    """
    signals = evidence.signals.height
    # A member's use in passing is nobody's.
    passing = np.bincount(evidence.signal[evidence.passing], minlength=signals)
    known = Evidence(
        Uses.of(
            evidence.account,
            evidence.signal,
            evidence.passing,
            accounts=evidence.members.height,
            signals=signals,
        ),
        np.zeros(signals, dtype=np.int32),
        by_kind(evidence.signals["kind"], level_of, np.int8),
        evidence.signals["degree"].to_numpy() - passing,
        np.zeros((evidence.population, 0), dtype=np.bool_),
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.bool_),
        None,
    )
    members = {
        "cluster": np.zeros(evidence.members.height, np.int32),
        "account": np.arange(evidence.members.height, dtype=np.int32),
    }
    found = pools(known, pl.DataFrame(members)).filter(pl.col("level") == 0)
    return found.select("signal", "inside", "bits", outside=pl.col("degree") - pl.col("inside"))


def find_linking_uses(evidence: ClusterEvidence) -> LinkingUses:
    """The uses by which members of a cluster are linking to each other."""
    own = find_pool(evidence)
    signal = own["signal"].to_numpy()
    outside = own["outside"].to_numpy()
    signals = evidence.signals[signal]
    strength = by_kind(signals["kind"], lambda kind: kind_of(kind).strength, np.float64)
    prior = by_kind(signals["kind"], lambda kind: kind_of(kind).prior_m, np.float64)
    u = (outside + 0.5) / (evidence.population - evidence.members.height + 1.0)
    bits = np.maximum(strength * np.log2(prior / np.minimum(u, 1.0)), 0.0)
    is_linking_kind = by_kind(
        signals["kind"], lambda kind: kind_of(kind).ties and kind not in DERIVED, np.bool_
    )
    hub = outside > by_kind(signals["kind"], lambda kind: kind_of(kind).hub_degree, np.int64)
    crowded = signals["class"].is_in(CROWDED).to_numpy()
    rare = is_rare(outside, evidence.population)
    links = is_linking_kind & rare & ~hub & ~crowded
    sole = by_kind(signals["kind"], lambda kind: kind_of(kind).sole, np.bool_) & (outside <= SOLE_DEGREE)

    value = np.full(evidence.signals.height, -1, dtype=np.int32)
    value[signal[links]] = np.arange(int(links.sum()), dtype=np.int32)
    bits, sole = bits[links], sole[links]
    kept = ~evidence.passing & (value[evidence.signal] >= 0)
    account, used = evidence.account[kept], value[evidence.signal[kept]]
    # The family of a value that repeats one observation, from 0; -1 for all others.
    repeats = by_kind(signals["kind"], lambda kind: _find_place(ONE_OBSERVATION, family_of(kind)), np.int64)[
        links
    ]
    head = _find_heads(account, used, repeats, evidence.members.height)
    # A value stands for all that repeat it.
    names, number = np.unique(head, return_inverse=True)
    value[value >= 0] = number[value[value >= 0]]
    pairs = np.unique(account.astype(np.int64) * max(len(names), 1) + number[used])
    return LinkingUses(
        evidence.members.height,
        (pairs // max(len(names), 1)).astype(np.int32),
        (pairs % max(len(names), 1)).astype(np.int32),
        bits[names],
        outside[links][names],
        sole[names],
        value,
    )


def _find_heads(
    account: NDArray[np.int32], value: NDArray[np.int32], repeats: NDArray[np.int64], accounts: int
) -> NDArray[np.int64]:
    """The value that each value is a repetition of; itself for most.

    A value whose family repeats one observation is no other one than the widest used of those that most of its users
    have too: the bands of a template are one value, and so is a template with the one that it is always used with.
    """
    head = np.arange(len(repeats), dtype=np.int64)
    which = repeats[value] >= 0
    if not which.any():
        return head
    shape = (accounts, len(repeats))
    used = coo_array(
        (np.ones(int(which.sum()), dtype=np.int32), (account[which], value[which])), shape=shape
    ).tocsr()
    both = (used.T @ used).tocoo()
    size = np.bincount(value, minlength=len(repeats))
    rare, wide = both.coords
    larger = (size[wide] > size[rare]) | ((size[wide] == size[rare]) & (wide < rare))
    near = larger & (both.data >= SAME_USERS * size[rare]) & (repeats[rare] == repeats[wide])
    rare, wide = rare[near], wide[near]
    # Of several the widest; of those equally wide the first.
    order = np.lexsort((wide, -size[wide], rare))
    first = np.unique(rare[order], return_index=True)[1]
    head[rare[order][first]] = wide[order][first]
    while not np.array_equal(head, head[head]):
        head = head[head]
    return head


def _find_place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
