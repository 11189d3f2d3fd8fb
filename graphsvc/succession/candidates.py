"""Whom a new account may follow: the accounts stopped shortly before it was made, and what of theirs it has."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.replacement import HOUR, WITHIN_HOURS
from graphsvc.campaigns.traits import STOPPED
from graphsvc.linkage.bits import by_kind, degrees, with_levels
from graphsvc.linkage.pairs import ONE_OBSERVATION
from graphsvc.model.graph import SignalGraph
from graphsvc.model.slices import between
from graphsvc.signals.kinds import DERIVED, LEVELS, family_of, kind_of, level_of

REACH = WITHIN_HOURS * HOUR
MOST_ACCOUNTS = 100
"""A value that more accounts have (inside a cluster: of its own) makes no pairs, but counts in those there are."""
FEW = 20
"""Inside a cluster the moment alone makes pairs where no more than so many of its accounts were stopped in reach."""

COMES_WITH = {"user_agent": "device", "tls_fingerprint": "device"}
"""What is seen of the same program says nothing more where the device agrees, from which it comes."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lives:
    """When accounts were made and stopped, and whose they are; arrays of shape (accounts,).

    `created` and `ended` (banned or suspended) in ms since 1970, -1 = not known or never; `home` (int32) is the
    account's cluster, -1 = none.
    """

    created: Ints
    ended: Ints
    home: NDArray[np.int32]

    def permute_births(self, rng: np.random.Generator) -> "Lives":
        """The same with the moments of sign-up permuted among the accounts of each cluster, and among all others."""
        created = self.created.copy()
        order = np.argsort(self.home, kind="stable")
        cuts = np.flatnonzero(np.diff(self.home[order])) + 1
        for group in np.split(order, cuts):
            known = group[self.created[group] >= 0]
            created[known] = self.created[rng.permutation(known)]
        return replace(self, created=created)

    def count_signups_around(self, account: NDArray[np.int32], home: NDArray[np.int32]) -> Ints:
        """Sign-ups in the 72 hours before and after each account's, of the cluster `home`, or of all where it is -1."""
        # One sorted array for all: sign-ups of everybody, then those of each cluster, kept apart by a long step.
        step = int(self.created.max(initial=0)) + 4 * REACH
        placed = np.flatnonzero(self.home >= 0)
        keys = [self.created, (self.home[placed].astype(np.int64) + 1) * step + self.created[placed]]
        ordered = np.sort(np.concatenate(keys))
        asked = (home.astype(np.int64) + 1) * step + self.created[account]
        found = np.searchsorted(ordered, asked + REACH, "right") - np.searchsorted(ordered, asked - REACH)
        return found.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Estate:
    """What the stopped leave behind, and who has it.

    `signals`: signal, kind, family (names), single (only the strongest of the family counts), level, degree, parent,
    grandparent (signals; -1 = none), of the signals that a stopped account has and somebody else too, sorted. `row`
    (int32, one a signal of the graph) is a signal's row there, -1 = none. `left`: predecessor, kind, left (values it
    has; 1 of a `single` family).

    `begins` (accounts + 1) and `signal` are the graph's edges by account. `legacies` is account · rows + row of each
    value of a stopped account, `inside` cluster · rows + row of each value in a cluster, both sorted, and `having`
    how many of the cluster have it. `account` and `group` are parallel, sorted by group: who has a value that makes
    pairs, among all or within a cluster.
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
    """The accounts' lives; `members` has cluster, account (int32), an account in one cluster at most."""
    home = np.full(graph.accounts.height, -1, dtype=np.int32)
    home[members["account"].to_numpy()] = members["cluster"].to_numpy()
    changed = graph.accounts["status_changed_at"].to_numpy()
    stopped = graph.accounts["status"].is_in(STOPPED).to_numpy()
    return Lives(graph.accounts["created_at"].to_numpy(), np.where(stopped, changed, -1), home)


def build_estate(graph: SignalGraph, lives: Lives) -> Estate:
    """The estate of a graph; what signals are part of (prefixes, card number ranges) is derived if it is not there."""
    if not graph.signals["kind"].is_in(list(DERIVED)).any():
        graph = with_levels(graph)
    begins = np.searchsorted(graph.account, np.arange(graph.accounts.height + 1, dtype=np.int32))
    legator, at = _list_uses(begins, np.flatnonzero(lives.ended >= 0))
    values, value = np.unique(graph.signal[at], return_inverse=True)
    signals = _describe_signals(graph, values, degrees(graph)[values])
    left = _count_left(signals.select("kind", "single")[value], legator)
    strong = by_kind(signals["kind"], lambda kind: kind_of(kind).strength > 0, np.bool_)
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

    ties = by_kind(signals["kind"], _is_pairing_kind, np.bool_)
    rare = ties & ((signals["degree"] <= MOST_ACCOUNTS) & (signals["level"] == 0)).to_numpy()
    makes = np.zeros(graph.signals.height, dtype=np.bool_)
    makes[signals["signal"].to_numpy()[rare]] = True
    uses = np.flatnonzero(makes[graph.signal])
    local = (ties & ~rare)[of_estate] & (having[place] <= MOST_ACCOUNTS)
    account = np.concatenate([graph.account[uses], member[local].astype(np.int32)])
    group = np.concatenate([row[graph.signal[uses]], rows + place[local]])
    order = np.argsort(group, kind="stable")
    return Estate(
        signals, left, row, begins, graph.signal, legacies, inside, having, account[order], group[order]
    )


def find_candidates(lives: Lives, estate: Estate) -> pl.DataFrame:
    """Who may follow whom: made within 72 hours after the other was stopped, and something in common.

    That is a value which no more than 100 accounts have, or no more than 100 of their cluster; or to be of one cluster,
    of which no more than 20 were stopped in those hours.

    Returns: successor, predecessor (int32), home (int32: the cluster of both, -1 = not of one), delay (ms); sorted.
    """
    created, ended = lives.created[estate.account], lives.ended[estate.account]
    heir, legator = np.flatnonzero(created >= 0), np.flatnonzero(ended >= 0)
    times = np.concatenate([created[heir], ended[legator]])
    start = times.min(initial=np.iinfo(np.int64).max)
    # Each group's times lie apart from the next one's by more than anybody looks back.
    step = times.max(initial=start) - start + 2 * REACH
    keys = estate.group[legator] * step + ended[legator] - start
    order = np.argsort(keys, kind="stable")
    asked = estate.group[heir] * step + created[heir] - start
    low, high = np.searchsorted(keys[order], asked - REACH), np.searchsorted(keys[order], asked)
    by_value = between(low, high)
    by_moment = _find_pairs_by_moment(lives)
    successor = np.concatenate([estate.account[heir[by_value[0]]], by_moment[0]]).astype(np.int64)
    predecessor = np.concatenate([estate.account[legator[order[by_value[1]]]], by_moment[1]])
    accounts = len(lives.home)
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
    """What the accounts of each pair have in common, and how common it is.

    What a value is part of does not count beside the value, nor a client beside the device it comes from; of a family
    whose values repeat one observation the rarest counts.

    Args:
        pairs: of `candidates`; its row numbers name the pairs.
        size: accounts a cluster, by its number.

    Returns: pair (row number of `pairs`), family, kind, signal, u (share of the others who have it: of the cluster if
    both are of one, else of all; 0–1); sorted by pair, family, signal.
    """
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy().astype(np.int64)
    height = estate.signals.height
    pair, at = between(estate.begins[successor], estate.begins[successor + 1])
    row = estate.row[estate.signal[at]]
    pair, row = pair[row >= 0], row[row >= 0]
    keys = predecessor[pair] * height + row
    place = np.minimum(np.searchsorted(estate.legacies, keys), len(estate.legacies) - 1)
    agreed = estate.legacies[place] == keys
    pair, row = pair[agreed], row[agreed]
    signals = estate.signals.select(pl.all().gather(row))
    home = pairs["home"].to_numpy()[pair]
    having = signals["degree"].to_numpy().copy()
    both = home >= 0
    having[both] = estate.having[np.searchsorted(estate.inside, home[both] * np.int64(height) + row[both])]
    others = np.append(size, accounts)[home] - 2
    rows = signals.select(
        "family", "kind", "signal", "single", "level", "parent", "grandparent"
    ).with_columns(
        pair=pl.Series(pair.astype(np.uint32)),
        u=pl.Series((np.maximum(having - 2, 0) + 0.5) / (np.maximum(others, 0) + 1.0)),
    )
    wholes = [
        rows.select("pair", signal=name).filter(pl.col("signal") >= 0) for name in ("parent", "grandparent")
    ]
    rows = rows.join(pl.concat(wholes), on=["pair", "signal"], how="anti")
    origin = pl.col("kind").replace_strict(COMES_WITH, default="", return_dtype=pl.String)
    seen = rows.select("pair", origin="kind").unique()
    rows = rows.with_columns(origin=origin).join(seen, on=["pair", "origin"], how="anti")
    rows = rows.sort("pair", "family", "u", "signal")
    first = pl.int_range(pl.len()).over("pair", "family") == 0
    return rows.filter(first | ~pl.col("single")).select("pair", "family", "kind", "signal", "u")


def _is_pairing_kind(kind: str) -> bool:
    """Whether a value of the kind can propose a pair; address ranges do, among the accounts of one cluster."""
    return kind_of(kind).ties and (kind not in DERIVED or kind == LEVELS["ip"][0])


def _describe_signals(graph: SignalGraph, values: NDArray[np.int32], degree: Ints) -> pl.DataFrame:
    """signal, kind, family, single, level, degree of the signals `values`."""
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
    """predecessor, kind, left; `uses` has kind and single of what each of `legator` used."""
    count = pl.when(pl.col("single").first()).then(1).otherwise(pl.len()).cast(pl.Int64)
    return (
        uses.with_columns(predecessor=pl.Series(legator.astype(np.int32)))
        .group_by("predecessor", "kind")
        .agg(left=count)
    )


def _find_containing(signals: pl.DataFrame, every: pl.DataFrame) -> dict[str, pl.Series]:
    """parent and grandparent of each signal, as far as they are of `signals` themselves, -1 = none; int32.

    Args:
        signals: signal, kind. every: the signals of the graph.
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
    """The edges of some accounts: the account and the number of each."""
    owner, at = between(begins[accounts], begins[accounts + 1])
    return accounts[owner], at


def _find_pairs_by_moment(lives: Lives) -> tuple[Ints, Ints]:
    """Pairs of one cluster by their moments alone, where few were stopped: successors, predecessors."""
    step = int(max(lives.created.max(initial=0), lives.ended.max(initial=0))) + 4 * REACH
    home = lives.home.astype(np.int64)
    ended = np.flatnonzero((home >= 0) & (lives.ended >= 0))
    keys = home[ended] * step + lives.ended[ended]
    order = np.argsort(keys, kind="stable")
    ended, keys = ended[order], keys[order]
    born = np.flatnonzero((home >= 0) & (lives.created >= 0))
    asked = home[born] * step + lives.created[born]
    low, high = np.searchsorted(keys, asked - REACH), np.searchsorted(keys, asked)
    few = high - low <= FEW
    successor, place = between(low[few], high[few])
    return born[few][successor], ended[place]
