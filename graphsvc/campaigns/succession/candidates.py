"""Whom a new account may follow: the accounts stopped shortly before it was made, and what of theirs it has."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.succession.replacement import HOUR, WITHIN_HOURS
from graphsvc.campaigns.traits import STOPPED
from graphsvc.linkage.bits import degrees, of_kinds, with_levels
from graphsvc.linkage.pairs import ONE_OBSERVATION
from graphsvc.model.graph import SignalGraph
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

    def moved(self, rng: np.random.Generator) -> "Lives":
        """The same with the moments of sign-up permuted among the accounts of each cluster, and among all others."""
        created = self.created.copy()
        order = np.argsort(self.home, kind="stable")
        cuts = np.flatnonzero(np.diff(self.home[order])) + 1
        for group in np.split(order, cuts):
            known = group[self.created[group] >= 0]
            created[known] = self.created[rng.permutation(known)]
        return replace(self, created=created)

    def around(self, account: NDArray[np.int32], home: NDArray[np.int32]) -> Ints:
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

    `edges`: account, signal of the signals that a stopped account has and somebody else too. `signals`: signal, kind,
    family (names), single (only the strongest of the family counts), level, ties, degree, parent, grandparent (signals;
    -1 = none). `inside`: home, signal, inside (accounts of the cluster that have it). `left`: predecessor, kind,
    left (values it has; 1 of a `single` family).
    """

    edges: pl.DataFrame
    signals: pl.DataFrame
    inside: pl.DataFrame
    left: pl.DataFrame


def lives_of(graph: SignalGraph, members: pl.DataFrame) -> Lives:
    """The accounts' lives; `members` has cluster, account (int32), an account in one cluster at most."""
    home = np.full(graph.accounts.height, -1, dtype=np.int32)
    home[members["account"].to_numpy()] = members["cluster"].to_numpy()
    changed = graph.accounts["status_changed_at"].to_numpy()
    stopped = graph.accounts["status"].is_in(STOPPED).to_numpy()
    return Lives(graph.accounts["created_at"].to_numpy(), np.where(stopped, changed, -1), home)


def estate_of(graph: SignalGraph, lives: Lives) -> Estate:
    """The estate of a graph; what signals are part of (prefixes, card number ranges) is derived if it is not there."""
    if not graph.signals["kind"].is_in(list(DERIVED)).any():
        graph = with_levels(graph)
    left = np.zeros(graph.signals.height, dtype=np.bool_)
    left[graph.signal[lives.ended[graph.account] >= 0]] = True
    degree = degrees(graph)
    kept = left & (degree > 1) & of_kinds(graph, lambda kind: kind_of(kind).strength > 0, np.bool_)
    signals = graph.signals.select(
        signal=pl.int_range(pl.len(), dtype=pl.Int32),
        kind="kind",
        family=pl.Series(of_kinds(graph, family_of, np.object_).tolist(), dtype=pl.String),
        level=pl.Series(of_kinds(graph, level_of, np.int8)),
        ties=pl.Series(of_kinds(graph, _makes_pairs, np.bool_)),
        degree=pl.Series(degree),
        **_wholes(graph),
    ).with_columns(single=pl.col("family").is_in(ONE_OBSERVATION))
    uses = kept[graph.signal]
    edges = pl.DataFrame({"account": graph.account[uses], "signal": graph.signal[uses]})
    home = pl.Series("home", lives.home[graph.account[uses]])
    inside = (
        edges.with_columns(home).filter(pl.col("home") >= 0).group_by("home", "signal").agg(inside=pl.len())
    )
    used = lives.ended[graph.account] >= 0
    every = pl.DataFrame({"predecessor": graph.account[used], "signal": graph.signal[used]})
    count = pl.when(pl.col("single").first()).then(1).otherwise(pl.len()).cast(pl.Int64)
    values = every.join(signals.select("signal", "kind", "single"), on="signal")
    each = values.group_by("predecessor", "kind").agg(left=count)
    return Estate(
        edges, signals.filter(pl.Series(kept)), inside.with_columns(pl.col("inside").cast(pl.Int64)), each
    )


def candidates(lives: Lives, estate: Estate) -> pl.DataFrame:
    """Who may follow whom: made within 72 hours after the other was stopped, and something in common.

    That is a value which no more than 100 accounts have, or no more than 100 of their cluster; or to be of one cluster,
    of which no more than 20 were stopped in those hours.

    Returns: successor, predecessor (int32), home (int32: the cluster of both, -1 = not of one), delay (ms); sorted.
    """
    makers = estate.signals.filter("ties")
    rare = makers.filter((pl.col("degree") <= MOST_ACCOUNTS) & (pl.col("level") == 0)).select(
        "signal", place=-1
    )
    local = (
        estate.inside.filter(pl.col("inside") <= MOST_ACCOUNTS)
        .join(
            makers.filter((pl.col("degree") > MOST_ACCOUNTS) | (pl.col("level") > 0)), on="signal", how="semi"
        )
        .select("signal", place=pl.col("home"))
    )
    moments = estate.edges.select(
        "account",
        "signal",
        home=pl.Series(lives.home).gather(estate.edges["account"]),
        created=pl.Series(lives.created).gather(estate.edges["account"]),
        ended=pl.Series(lives.ended).gather(estate.edges["account"]),
    ).lazy()
    by_rare = moments.join(rare.lazy().select("signal", pl.col("place").cast(pl.Int32)), on="signal")
    by_local = moments.join(
        local.lazy(), left_on=["signal", "home"], right_on=["signal", "place"], coalesce=True
    )
    edges = pl.concat([by_rare, by_local.with_columns(place="home").select(by_rare.collect_schema().names())])
    # The successor's sign-up is in the ban's own stretch of 72 hours or in the next.
    left = (
        edges.filter(pl.col("ended") >= 0)
        .with_columns(stretch=pl.concat_list(pl.col("ended") // REACH, pl.col("ended") // REACH + 1))
        .explode("stretch")
        .select("signal", "place", "stretch", "ended", predecessor="account")
    )
    born = edges.filter(pl.col("created") >= 0).select(
        "signal", "place", "created", stretch=pl.col("created") // REACH, successor="account"
    )
    delay = pl.col("created") - pl.col("ended")
    shared = (
        left.join(born, on=["signal", "place", "stretch"])
        .with_columns(delay=delay)
        .filter((delay > 0) & (delay <= REACH) & (pl.col("successor") != pl.col("predecessor")))
        .select("successor", "predecessor", "delay")
        .collect()
    )
    found = pl.concat([shared, _by_moment(lives)]).unique().sort("successor", "predecessor")
    mine = lives.home[found["successor"].to_numpy()]
    same = (mine == lives.home[found["predecessor"].to_numpy()]) & (mine >= 0)
    home = pl.Series(np.where(same, mine, -1).astype(np.int32))
    return found.select("successor", "predecessor", "delay", home=home)


def in_common(pairs: pl.DataFrame, estate: Estate, accounts: int, size: Ints) -> pl.DataFrame:
    """What the accounts of each pair have in common, and how common it is.

    What a value is part of does not count beside the value, nor a client beside the device it comes from; of a family
    whose values repeat one observation the rarest counts.

    Args:
        pairs: of `candidates`; its row numbers name the pairs.
        size: accounts a cluster, by its number.

    Returns: pair (row number of `pairs`), family, kind, signal, u (share of the others who have it: of the cluster if
    both are of one, else of all; 0–1); sorted by pair, family, signal.
    """
    numbered = pairs.lazy().select("successor", "predecessor", "home").with_row_index("pair")
    edges = estate.edges.lazy()
    heirs = edges.join(numbered.select(account="successor").unique(), on="account", how="semi")
    legators = edges.join(numbered.select(account="predecessor").unique(), on="account", how="semi")
    sizes = pl.LazyFrame({"home": np.arange(len(size), dtype=np.int32), "size": size})
    others = pl.col("size").fill_null(accounts) - 2
    having = pl.when(pl.col("home") >= 0).then("inside").otherwise("degree")
    rows = (
        numbered.join(heirs, left_on="successor", right_on="account")
        .join(legators.select("signal", predecessor="account"), on=["predecessor", "signal"], how="semi")
        .join(estate.signals.lazy(), on="signal")
        .join(estate.inside.lazy(), on=["home", "signal"], how="left")
        .join(sizes, on="home", how="left")
        .with_columns(u=((having - 2).clip(0) + 0.5) / (others.clip(0) + 1.0))
        .select("pair", "family", "kind", "signal", "u", "single", "level", "parent", "grandparent")
        .collect()
    )
    wholes = [
        rows.select("pair", signal=name).filter(pl.col("signal") >= 0) for name in ("parent", "grandparent")
    ]
    rows = rows.join(pl.concat(wholes), on=["pair", "signal"], how="anti")
    origin = pl.col("kind").replace_strict(COMES_WITH, default="", return_dtype=pl.String)
    agreed = rows.select("pair", origin="kind").unique()
    rows = rows.with_columns(origin=origin).join(agreed, on=["pair", "origin"], how="anti")
    rows = rows.sort("pair", "family", "u", "signal")
    first = pl.int_range(pl.len()).over("pair", "family") == 0
    return rows.filter(first | ~pl.col("single")).select("pair", "family", "kind", "signal", "u")


def _makes_pairs(kind: str) -> bool:
    """Whether a value of the kind can propose a pair; address ranges do, among the accounts of one cluster."""
    return kind_of(kind).ties and (kind not in DERIVED or kind == LEVELS["ip"][0])


def _wholes(graph: SignalGraph) -> dict[str, pl.Series]:
    """parent and grandparent of each signal as signals, -1 = none; of derived signals -1."""
    number = graph.signals.select("key", number=pl.int_range(pl.len(), dtype=pl.Int32))
    found = {}
    for place, column in enumerate(("parent", "grandparent")):
        names = {kind: parts[place] for kind, parts in LEVELS.items() if parts[place]}
        name = pl.col("kind").replace_strict(names, default="", return_dtype=pl.String)
        keys = graph.signals.select(key=pl.concat_str(name, pl.lit(":"), pl.col(column)))
        joined = keys.join(number, on="key", how="left", maintain_order="left")
        found[column] = joined["number"].fill_null(-1)
    return found


def _by_moment(lives: Lives) -> pl.DataFrame:
    """Pairs of one cluster by their moments alone, where few were stopped: successor, predecessor, delay."""
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
    born, low, count = born[few], low[few], (high - low)[few]
    successor = np.repeat(born, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    predecessor = ended[np.repeat(low, count) + place]
    frame = pl.DataFrame(
        {
            "successor": successor.astype(np.int32),
            "predecessor": predecessor.astype(np.int32),
            "delay": lives.created[successor] - lives.ended[predecessor],
        }
    )
    return frame.filter(pl.col("successor") != pl.col("predecessor"))
