"""One cluster with all that its members use, and the uses that link them.

A use links by the rule of detection (`linkage.rule`), with one difference: only accounts outside the cluster tell how
rare a value is. A value links two members if the cluster uses it more than others do (`membership.pools`),
and if its kind links. Hubs, addresses of many people by design and transient uses do not link.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array

from graphsvc.campaigns.membership import Evidence, pools
from graphsvc.linkage.rule import ONE_OBSERVATION, Reference
from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.uses import Uses
from graphsvc.model.columns import Schema
from graphsvc.signals.kinds import family_of

SAME_USERS = 0.8
"""Share of a rarer value's users that also have the wider one for both to count as one observation."""

MEMBERS: Schema = {
    "id": pl.String,
    "membership": pl.Float64,
    "bits": pl.Float64,
    "status": pl.String,
    "created_at": pl.Int64,
    "status_changed_at": pl.Int64,
}
"""Members of a cluster; times in ms since 1970, -1 = not known."""
SIGNALS: Schema = {
    "key": pl.String,
    "kind": pl.String,
    "parent": pl.String,
    "grandparent": pl.String,
    "class": pl.String,
    "degree": pl.Int64,
}
"""Signals of a cluster. `degree`: all accounts that use it, members or not."""


@dataclass(frozen=True, slots=True)
class ClusterEvidence:
    """A cluster: its members and the signals that more than one of them uses.

    Attributes:
        cluster: its id.
        members: schema `MEMBERS`, sorted by id.
        signals: schema `SIGNALS`, sorted by key.
        account: row of the member of each use, int32, sorted by account, then signal.
        signal: row of the signal of each use, int32, parallel.
        first_seen: ms since 1970, int64, parallel; -1 = not known.
        last_seen: likewise.
        passing: whether each use is transient (`transience.find_transient`), bool, parallel.
        population: number of all accounts.
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
        """Return the family of each signal."""
        kinds = self.signals["kind"]
        names = {kind: family_of(kind) for kind in kinds.unique()}
        return kinds.replace_strict(names, return_dtype=pl.String)

    def keep_only(self, accounts: NDArray[np.bool_], signals: NDArray[np.bool_]) -> "ClusterEvidence":
        """Keep only some members and some signals.

        Accounts left out do not become outsiders. They are gone, from the degrees of signals and from the
        population too.

        Args:
            accounts: members to keep, bool, one a member.
            signals: signals to keep, bool, one a signal.
        """
        gone = np.bincount(self.signal[~accounts[self.account]], minlength=self.signals.height)
        uses = accounts[self.account] & signals[self.signal]
        # New row numbers: the rank of each kept row among those kept.
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
        """Exclude some signals (keys), families and accounts (ids). Names that do not occur change nothing."""
        keys = self.signals["key"].is_in(list(signals)) | self.families.is_in(list(families))
        ids = self.members["id"].is_in(list(accounts))
        return self.keep_only(~ids.to_numpy(), ~keys.to_numpy())


@dataclass(frozen=True, slots=True)
class LinkingUses:
    """The uses that link members, as a bipartite graph of accounts and values.

    Bands of one template are one value.

    Attributes:
        accounts: number of members.
        account: member of each use, int32, sorted by account, then value.
        value: value of each use, int32, parallel.
        bits: of sharing each value, float64: log2(m/u), with u the share of outsiders that have it.
        outside: outsiders that have each value, int64.
        sufficient: whether each value makes a link by itself, bool, as rare cards, devices and phone numbers
            do.
        value_of: value of each signal of the cluster, int32; -1 = it does not link.
    """

    accounts: int
    account: NDArray[np.int32]
    value: NDArray[np.int32]
    bits: NDArray[np.float64]
    outside: NDArray[np.int64]
    sufficient: NDArray[np.bool_]
    value_of: NDArray[np.int32]

    def select_uses(self, which: NDArray[np.bool_]) -> "LinkingUses":
        """Select some uses (bool, one a use). Values and accounts keep their numbers."""
        return replace(self, account=self.account[which], value=self.value[which])


def find_pool(evidence: ClusterEvidence) -> pl.DataFrame:
    """Find the signals that the cluster uses more than others do: `membership.pools`, without derived levels.

    Returns:
        signal (int32, row of `evidence.signals`), inside (members with it), outside (others with it), bits;
        sorted.
    """
    return _find_pool(evidence, _describe_signals(evidence))


def _describe_signals(evidence: ClusterEvidence) -> SignalTable:
    """Compute the table of the cluster's signals. Only accounts outside the cluster tell how rare a value is."""
    degree = evidence.signals["degree"].to_numpy()
    outside = degree - np.bincount(evidence.signal, minlength=evidence.signals.height)
    reference = Reference.of_outsiders(outside, evidence.population, evidence.members.height)
    return SignalTable.of(evidence.signals, reference)


def _find_pool(evidence: ClusterEvidence, table: SignalTable) -> pl.DataFrame:
    """Find the pool as `find_pool` does, with the table of `_describe_signals`."""
    signals = evidence.signals.height
    # A transient use counts neither for the member nor for the outsiders.
    passing = np.bincount(evidence.signal[evidence.passing], minlength=signals)
    known = Evidence(
        Uses.of(
            evidence.account,
            evidence.signal,
            evidence.passing,
            accounts=evidence.members.height,
            signals=signals,
        ),
        table,
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
    """Find the uses that link members of a cluster."""
    table = _describe_signals(evidence)
    signal = _find_pool(evidence, table)["signal"].to_numpy()
    linking = signal[table.linking[signal]]

    # Number the linking values, then drop transient uses and those of other values.
    value = np.full(evidence.signals.height, -1, dtype=np.int32)
    value[linking] = np.arange(len(linking), dtype=np.int32)
    kept = ~evidence.passing & (value[evidence.signal] >= 0)
    account, used = evidence.account[kept], value[evidence.signal[kept]]
    # The family of a value that repeats one observation, from 0; -1 for all others.
    places = [_find_place(ONE_OBSERVATION, name) for name in table.families]
    repeats = np.array(places, dtype=np.int64)[table.family[linking]]
    head = _find_heads(account, used, repeats, evidence.members.height)
    # Values that repeat one observation become the value that they repeat.
    names, number = np.unique(head, return_inverse=True)
    value[value >= 0] = number[value[value >= 0]]
    # Two bands of one template used by one account are one use now.
    pairs = np.unique(account.astype(np.int64) * max(len(names), 1) + number[used])
    chosen = linking[names]
    return LinkingUses(
        evidence.members.height,
        (pairs // max(len(names), 1)).astype(np.int32),
        (pairs % max(len(names), 1)).astype(np.int32),
        table.bits[chosen],
        table.users[chosen],
        table.sufficient[chosen],
        value,
    )


def _find_heads(
    account: NDArray[np.int32], value: NDArray[np.int32], repeats: NDArray[np.int64], accounts: int
) -> NDArray[np.int64]:
    """Find the value that each value repeats; itself for most.

    In families that repeat one observation, a value that mostly occurs with a wider one is the same
    observation. The bands of a template are one value, and so is a template with another that always
    accompanies it.

    Args:
        account: member of each use, int32.
        value: value of each use, int32, parallel.
        repeats: family of each value that repeats one observation, from 0; -1 for all others; int64.
        accounts: number of members.

    Returns:
        Value that each value repeats, int64.
    """
    head = np.arange(len(repeats), dtype=np.int64)
    which = repeats[value] >= 0
    if not which.any():
        return head
    shape = (accounts, len(repeats))
    used = coo_array(
        (np.ones(int(which.sum()), dtype=np.int32), (account[which], value[which])), shape=shape
    ).tocsr()
    # Co-occurrence counts of all pairs of values, as one sparse product of integers.
    both = (used.T @ used).tocoo()
    size = np.bincount(value, minlength=len(repeats))
    rare, wide = both.coords
    larger = (size[wide] > size[rare]) | ((size[wide] == size[rare]) & (wide < rare))
    near = larger & (both.data >= SAME_USERS * size[rare]) & (repeats[rare] == repeats[wide])
    rare, wide = rare[near], wide[near]
    # Take the widest of several, and of equally wide ones the first.
    order = np.lexsort((wide, -size[wide], rare))
    first = np.unique(rare[order], return_index=True)[1]
    head[rare[order][first]] = wide[order][first]
    # Follow chains: a value that repeats one that repeats a third.
    while not np.array_equal(head, head[head]):
        head = head[head]
    return head


def _find_place(names: tuple[str, ...], name: str) -> int:
    """Return the index of `name` in `names`; -1 if it is not there."""
    return names.index(name) if name in names else -1
