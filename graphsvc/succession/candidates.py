"""Find candidate pairs: accounts stopped shortly before a new one was made, and the values that both have."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.replacement import HOUR, WITHIN_HOURS
from graphsvc.campaigns.traits import STOPPED
from graphsvc.linkage.bits import by_kind, count_users, with_levels
from graphsvc.linkage.rule import ONE_OBSERVATION, is_linking_kind
from graphsvc.model.arrays import expand_slices
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import DERIVED, LEVELS, family_of, kind_of, level_of
from graphsvc.types import Ints

REACH = WITHIN_HOURS * HOUR
MOST_ACCOUNTS = 100
"""A value of more accounts proposes no pairs. It still counts in pairs that others propose. Inside a cluster
only the cluster's own accounts count."""
FEW = 20
"""Inside a cluster, the moment alone proposes pairs if at most this many accounts were stopped within reach."""

COMES_WITH = {"user_agent": "device", "tls_fingerprint": "device"}
"""A user agent or TLS fingerprint comes from a device, and says nothing more where the device agrees."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Times when accounts were made and stopped, and their clusters; arrays of shape (accounts,).

    Attributes:
        created: ms since 1970, int64; -1 = not known.
        ended: banned or suspended, ms since 1970, int64; -1 = never.
        home: number of the account's cluster, int32; -1 = none.
    """

    created: Ints
    ended: Ints
    home: NDArray[np.int32]

    def permute_births(self, rng: np.random.Generator) -> "Lives":
        """Permute the moments of sign-up among the accounts of each cluster, and among all others.

        Args:
            rng: source of the permutation; the same state gives the same result.
        """
        created = self.created.copy()
        order = np.argsort(self.home, kind="stable")
        cuts = np.flatnonzero(np.diff(self.home[order])) + 1
        # Within a cluster only: a permuted world keeps each cluster's own times and breaks only who follows
        # whom.
        for group in np.split(order, cuts):
            known = group[self.created[group] >= 0]
            created[known] = self.created[rng.permutation(known)]
        return replace(self, created=created)


@dataclass(frozen=True, slots=True)
class SignupTimes:
    """Sign-ups of all accounts and of each cluster, sorted, so that those around a moment are counted by search."""

    ordered: Ints
    step: int

    @classmethod
    def of(cls, lives: Lives) -> "SignupTimes":
        """Sort the sign-ups of `lives`."""
        # One sorted array serves all queries: all sign-ups first, then those of each cluster, kept apart by a
        # long step.
        step = int(lives.created.max(initial=0)) + 4 * REACH
        placed = np.flatnonzero(lives.home >= 0)
        keys = [lives.created, (lives.home[placed].astype(np.int64) + 1) * step + lives.created[placed]]
        return cls(np.sort(np.concatenate(keys)), step)

    def count_around(self, moment: Ints, home: NDArray[np.int32]) -> Ints:
        """Count the sign-ups in the 72 hours before and after each moment.

        Args:
            moment: ms since 1970, int64; none later than the last sign-up.
            home: cluster whose sign-ups count, int32, one a moment; -1 = all sign-ups.

        Returns:
            Counts, int64, one a moment; an account that signed up then is among them.
        """
        asked = (home.astype(np.int64) + 1) * self.step + moment
        found = np.searchsorted(self.ordered, asked + REACH, "right") - np.searchsorted(
            self.ordered, asked - REACH
        )
        return found.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Estate:
    """Values that stopped accounts leave behind, and the accounts that have them.

    Attributes:
        signals: signal, kind, family (sorted categories), single (only the strongest of the family counts), level,
            degree, parent, grandparent (signals; -1 = none), of signals that a stopped account and another
            one have; sorted.
        left: predecessor, kind, left (values it has; 1 of a `single` family).
        row: row of each signal of the graph in `signals`, int32; -1 = none.
        begins: start of each account's edges in `signal`; int64, shape (accounts + 1,).
        signal: signal of each edge of the graph, by account; int32.
        legacies: account · rows + row of each value of a stopped account; int64, sorted.
        inside: cluster · rows + row of each value in a cluster; int64, sorted.
        having: how many accounts of the cluster have it; int64, parallel to `inside`.
        account: users of values that propose pairs, among all accounts or within a cluster; int32, sorted by
            group.
        group: the value of each, parallel to `account`; int64.
    """

    signals: pl.DataFrame
    left: pl.DataFrame
    row: NDArray[np.int32]
    begins: Ints
    signal: NDArray[np.int32]
    legacies: Ints
    inside: Ints
    having: Ints
    account: NDArray[np.int32]
    group: Ints


def build_lives(graph: SignalGraph, members: pl.DataFrame) -> Lives:
    """Build the accounts' lives.

    Args:
        graph: accounts with created_at, status and status_changed_at.
        members: cluster, account (int32), an account in one cluster at most.
    """
    home = np.full(graph.accounts.height, -1, dtype=np.int32)
    home[members["account"].to_numpy()] = members["cluster"].to_numpy()
    changed = graph.accounts["status_changed_at"].to_numpy()
    stopped = graph.accounts["status"].is_in(STOPPED).to_numpy()
    return Lives(graph.accounts["created_at"].to_numpy(), np.where(stopped, changed, -1), home)


def build_estate(
    graph: SignalGraph, lives: Lives, *, legators: Ints | None = None, joining: int = 0
) -> Estate:
    """Build the estate of a graph. It derives containing signals (prefixes, card number ranges) if they are missing.

    Args:
        graph: accounts and the signals that they use.
        lives: when accounts were made and stopped.
        legators: accounts whose values may be taken over; None: those that were stopped.
        joining: 1 for accounts that are not in the graph: each is one more user of all that it has.
    """
    if not graph.signals["kind"].is_in(list(DERIVED)).any():
        graph = with_levels(graph)
    begins = np.searchsorted(graph.account, np.arange(graph.accounts.height + 1, dtype=np.int32))
    legators = np.flatnonzero(lives.ended >= 0) if legators is None else legators
    legator, at = _list_uses(begins, legators)
    # Only values of stopped accounts can be taken over.
    values, value = np.unique(graph.signal[at], return_inverse=True)
    signals = _describe_signals(graph, values, count_users(graph)[values] + joining)
    left = _count_left(signals.select("kind", "single")[value], legator)
    strong = by_kind(signals["kind"], lambda kind: kind_of(kind).strength > 0, np.bool_)
    # A value of a single account pairs it with no other.
    signals = signals.filter((pl.col("degree") > 1) & pl.Series(strong, dtype=pl.Boolean))
    signals = signals.with_columns(**_find_containing(signals, graph.signals))
    rows = signals.height
    row = np.full(graph.signals.height, -1, dtype=np.int32)
    row[signals["signal"].to_numpy()] = np.arange(rows, dtype=np.int32)
    of_estate = row[graph.signal[at]]
    legacies = (legator * rows + of_estate)[of_estate >= 0]
    member, at = _list_uses(begins, np.flatnonzero(lives.home >= 0))
    of_estate = row[graph.signal[at]]
    member, of_estate = member[of_estate >= 0], of_estate[of_estate >= 0]
    keys = lives.home[member] * np.int64(rows) + of_estate
    inside, place, having = np.unique(keys, return_inverse=True, return_counts=True)
    having += joining

    # Values that propose pairs: rare ones among all accounts, others within the clusters where they are rare.
    ties = by_kind(signals["kind"], _is_pairing_kind, np.bool_)
    rare = ties & ((signals["degree"] <= MOST_ACCOUNTS) & (signals["level"] == 0)).to_numpy()
    makes = np.zeros(graph.signals.height, dtype=np.bool_)
    makes[signals["signal"].to_numpy()[rare]] = True
    uses = np.flatnonzero(makes[graph.signal])
    local = (ties & ~rare)[of_estate] & (having[place] <= MOST_ACCOUNTS)
    # Groups of both sorts in one array: a value's row, or `rows` plus the place of a value in a cluster.
    account = np.concatenate([graph.account[uses], member[local].astype(np.int32)])
    group = np.concatenate([row[graph.signal[uses]], rows + place[local]])
    order = np.argsort(group, kind="stable")
    names = {name: pl.Enum(signals[name].unique().sort()) for name in ("kind", "family")}
    signals = signals.with_columns(pl.col(name).cast(kind) for name, kind in names.items())
    return Estate(
        signals, left, row, begins, graph.signal, legacies, inside, having, account[order], group[order]
    )


def find_candidates(lives: Lives, estate: Estate) -> pl.DataFrame:
    """Find the pairs of a new account and one stopped within the 72 hours before, with something in common.

    That is a value of at most 100 accounts, or of at most 100 in their cluster. A common cluster is enough if
    at most 20 of its accounts were stopped in those hours.

    Returns:
        successor, predecessor (int32), home (int32: the cluster of both, -1 = not of one), delay (ms);
        sorted.
    """
    created, ended = lives.created[estate.account], lives.ended[estate.account]
    heir, legator = np.flatnonzero(created >= 0), np.flatnonzero(ended >= 0)
    times = np.concatenate([created[heir], ended[legator]])
    start = times.min(initial=np.iinfo(np.int64).max)
    # The step between groups is longer than the reach, so that no search runs into the next group.
    step = times.max(initial=start) - start + 2 * REACH
    keys = estate.group[legator] * step + ended[legator] - start
    order = np.argsort(keys, kind="stable")
    asked = estate.group[heir] * step + created[heir] - start
    low, high = np.searchsorted(keys[order], asked - REACH), np.searchsorted(keys[order], asked)
    by_value = expand_slices(low, high)
    by_moment = _find_pairs_by_moment(lives)
    successor = np.concatenate([estate.account[heir[by_value[0]]], by_moment[0]]).astype(np.int64)
    predecessor = np.concatenate([estate.account[legator[order[by_value[1]]]], by_moment[1]])
    accounts = len(lives.home)
    # A pair that several values propose is one candidate.
    pairs = np.unique((successor * accounts + predecessor)[successor != predecessor])
    successor, predecessor = pairs // max(accounts, 1), pairs % max(accounts, 1)
    mine = lives.home[successor]
    home = np.where((mine == lives.home[predecessor]) & (mine >= 0), mine, -1)
    return pl.DataFrame(
        {
            "successor": successor.astype(np.int32),
            "predecessor": predecessor.astype(np.int32),
            "delay": lives.created[successor] - lives.ended[predecessor],
            "home": home.astype(np.int32),
        }
    )


def find_common_values(pairs: pl.DataFrame, estate: Estate, accounts: int, size: Ints) -> pl.DataFrame:
    """Find the values that the accounts of each pair have in common, and how common each value is.

    A containing signal (a prefix, say) does not count where the value inside it agrees. Nor does a client
    where the device it comes from agrees. Of a family whose values repeat one observation, only the rarest
    counts.

    Args:
        pairs: of `find_candidates`; its row numbers name the pairs.
        estate: values of the stopped accounts.
        accounts: number of all accounts.
        size: accounts of each cluster, int64, by its number.

    Returns:
        pair (row number of `pairs`), family, kind, signal, u (share of the other accounts that have it, 0–1:
        of the cluster if both are of one, else of all); sorted by pair, family, signal.
    """
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy().astype(np.int64)
    height = estate.signals.height
    pair, at = expand_slices(estate.begins[successor], estate.begins[successor + 1])
    row = estate.row[estate.signal[at]]
    pair, row = pair[row >= 0], row[row >= 0]
    # A merge join by binary search: each value of the successor, looked up among those of the predecessor.
    keys = predecessor[pair] * height + row
    place = np.minimum(np.searchsorted(estate.legacies, keys), len(estate.legacies) - 1)
    agreed = estate.legacies[place] == keys
    pair, row = pair[agreed], row[agreed]
    signals = estate.signals[row]
    home = pairs["home"].to_numpy()[pair]
    having = signals["degree"].to_numpy().copy()
    both = home >= 0
    having[both] = estate.having[np.searchsorted(estate.inside, home[both] * np.int64(height) + row[both])]
    # Home -1 reads the last place, which is all accounts. The two of the pair are no others.
    others = np.append(size, accounts)[home] - 2
    # Half an account is added (Krichevsky & Trofimov 1981), so that no value has a share of 0.
    u = (np.maximum(having - 2, 0) + 0.5) / (np.maximum(others, 0) + 1.0)
    # Drop containing signals where their part agrees, then clients where their device does.
    signal, parent, grandparent = (
        signals[name].to_numpy().astype(np.int64) for name in ("signal", "parent", "grandparent")
    )
    family, kind = (signals[name].to_physical().to_numpy() for name in ("family", "kind"))
    step = int(max((each.max(initial=0) for each in (signal, parent, grandparent)), default=0)) + 1
    wholes = np.concatenate([pair[each >= 0] * step + each[each >= 0] for each in (parent, grandparent)])
    kept = np.flatnonzero(~np.isin(pair * step + signal, wholes))
    names = signals.schema["kind"].categories.to_list()
    code = {name: number for number, name in enumerate(names)}
    origins = np.array([code.get(COMES_WITH.get(name, ""), -1) for name in names], dtype=np.int64)
    origin = origins[kind[kept]] if len(kept) else kept
    seen = np.unique(pair[kept] * len(names) + kind[kept])
    kept = kept[(origin < 0) | ~np.isin(pair[kept] * len(names) + origin, seen)]
    kept = kept[np.lexsort((signal[kept], u[kept], family[kept], pair[kept]))]
    # Rows are sorted by u, so the first of a family is its rarest.
    first = np.ones(len(kept), dtype=np.bool_)
    first[1:] = (np.diff(pair[kept]) != 0) | (np.diff(family[kept].astype(np.int64)) != 0)
    kept = kept[first | ~signals["single"].to_numpy()[kept]]
    found: pl.DataFrame = signals[kept].select(
        pl.Series("pair", pair[kept].astype(np.uint32)),
        pl.col("family", "kind").cast(pl.String),
        "signal",
        pl.Series("u", u[kept]),
    )
    return found


def _is_pairing_kind(kind: str) -> bool:
    """Return whether a value of the kind can propose a pair. Address ranges can, among the accounts of one cluster."""
    return is_linking_kind(kind) or kind == LEVELS["ip"][0]


def _describe_signals(graph: SignalGraph, values: NDArray[np.int32], degree: Ints) -> pl.DataFrame:
    """Return signal, kind, family, single, level, degree of the signals `values`."""
    kind = graph.signals["kind"].gather(values)
    return pl.DataFrame(
        {
            "signal": values,
            "kind": kind,
            "family": pl.Series(by_kind(kind, family_of, np.object_).tolist(), dtype=pl.String),
            "level": pl.Series(by_kind(kind, level_of, np.int8)),
            "degree": degree,
        }
    ).with_columns(single=pl.col("family").is_in(ONE_OBSERVATION))


def _count_left(uses: pl.DataFrame, legator: Ints) -> pl.DataFrame:
    """Return predecessor, kind, left; `uses` has kind and single of each value that `legator` used."""
    count = pl.when(pl.col("single").first()).then(1).otherwise(pl.len()).cast(pl.Int64)
    return (
        uses.with_columns(predecessor=pl.Series(legator.astype(np.int32)))
        .group_by("predecessor", "kind")
        .agg(left=count)
    )


def _find_containing(signals: pl.DataFrame, every: pl.DataFrame) -> dict[str, pl.Series]:
    """Find the parent and grandparent of each signal, among `signals` themselves; int32, -1 = none.

    Args:
        signals: signal, kind.
        every: the signals of the graph.
    """
    rows = every.select(pl.all().gather(signals["signal"]))
    number = rows.select("key", number=signals["signal"])
    found = {}
    for place, column in enumerate(("parent", "grandparent")):
        names = {kind: parts[place] for kind, parts in LEVELS.items() if parts[place]}
        name = pl.col("kind").replace_strict(names, default="", return_dtype=pl.String)
        keys = rows.select(key=pl.concat_str(name, pl.lit(":"), pl.col(column)))
        joined = keys.join(number, on="key", how="left", maintain_order="left")
        found[column] = joined["number"].fill_null(-1)
    return found


def _list_uses(begins: Ints, accounts: Ints) -> tuple[Ints, Ints]:
    """List the edges of some accounts: account and number of each edge."""
    owner, at = expand_slices(begins[accounts], begins[accounts + 1])
    return accounts[owner], at


def _find_pairs_by_moment(lives: Lives) -> tuple[Ints, Ints]:
    """Find pairs of one cluster by their moments alone, where few accounts were stopped.

    Returns:
        Successors and predecessors, int64, parallel.
    """
    step = int(max(lives.created.max(initial=0), lives.ended.max(initial=0))) + 4 * REACH
    home = lives.home.astype(np.int64)
    ended = np.flatnonzero((home >= 0) & (lives.ended >= 0))
    keys = home[ended] * step + lives.ended[ended]
    order = np.argsort(keys, kind="stable")
    ended, keys = ended[order], keys[order]
    born = np.flatnonzero((home >= 0) & (lives.created >= 0))
    asked = home[born] * step + lives.created[born]
    low, high = np.searchsorted(keys, asked - REACH), np.searchsorted(keys, asked)
    # Where many were stopped at once, the moment tells none of them from the others.
    few = high - low <= FEW
    successor, place = expand_slices(low[few], high[few])
    return born[few][successor], ended[place]
