"""The index of a run: all that an account is weighed by, as arrays that many processes can share."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.agreement import rank_values
from graphsvc.campaigns.backbone import find_backbone
from graphsvc.campaigns.learned import Learned
from graphsvc.campaigns.membership import Evidence, learn
from graphsvc.campaigns.traits import traits
from graphsvc.campaigns.weighing import evidence_of
from graphsvc.linkage.rule import find_crowded, find_hubs
from graphsvc.linkage.signals import Incidence
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import DERIVED, kind_of
from graphsvc.succession.predecessors import Predecessors
from graphsvc.types import Floats, Ints, Ints32

Digests = NDArray[np.uint64]

NONE, HUB, CROWDED = 0, 1, 2
"""Warnings of a value: none, more accounts use it than may link, a network behind which there are many people."""
POOL = ("cluster", "family", "level", "inside", "degree", "size", "leading")
"""Columns of the pools that weighing reads, of `membership.pools`."""
DIGEST = ("digest_a", "digest_b")
"""Columns that stand for the keys of stopped accounts' values."""


@dataclass(frozen=True, eq=False)
class ScoreIndex:
    """A run's knowledge of its clusters. It holds digests of values, and of accounts those that may be followed.

    Clusters are all that the run grew, published or not: an account that an unpublished group explains better is no
    member of a published one, as in the run.

    Attributes:
        run: id of the run.
        accounts: number of accounts that it read.
        least: least membership that it published, 0-1.
        families: names of the families, sorted.
        numbers: of the grown clusters, int32, ascending.
        size: members of each, int64.
        worth: bits of each class of agreement, float64, (clusters, families, classes).
        digests: of the keys of signals, uint64, (keys, 2), sorted.
        first: first row in the pools of each key, and the end of the last; int64, (keys + 1,).
        warning: of each key, int8: `NONE`, `HUB` or `CROWDED`.
        whole: place of the key that each key is part of, -1 = none; int32. A prefix names its system, an instrument
            its BIN.
        pool: the columns `POOL`, rows sorted by key, then cluster.
        moments: known sign-ups of all accounts, ms, sorted; int64.
        resolution: of the moments, ms.
        signup_clusters: places of the clusters with known sign-ups, int32, ascending; empty where a run leaves the
            moment of sign-up out.
        signup_size: their members with a known sign-up, int64.
        signup_weights: of the mixture of their sign-ups, float64 (`timing.Signups`).
        signup_keys: their members' sign-ups, int64 (`timing.Signups`).
        published: the published clusters: id, assessment, score, coordination, size, stopped (share of members that
            were banned or suspended).
        speaks: grown (place), published (row): which published clusters each grown one stands for, the largest
            first.
        stopped: accounts that sign-ups may follow, where digests (`DIGEST`) stand for the keys of `signals`; None where
            the run could not fit who follows whom. Its clusters are rows of `published`.
    """

    run: str
    accounts: int
    least: float
    families: list[str]
    numbers: Ints32
    size: Ints
    worth: Floats
    digests: Digests
    first: Ints
    warning: NDArray[np.int8]
    whole: Ints32
    pool: dict[str, NDArray[np.generic]]
    moments: Ints
    resolution: int
    signup_clusters: Ints32
    signup_size: Ints
    signup_weights: Floats
    signup_keys: Ints
    published: pl.DataFrame
    speaks: NDArray[np.int32]
    stopped: Predecessors | None = None

    @cached_property
    def stopped_digests(self) -> tuple[Digests, Ints]:
        """Digests of the values of `stopped`, sorted, and the row of each."""
        if self.stopped is None:
            return np.empty((0, 2), dtype=np.uint64), np.empty(0, dtype=np.int64)
        digests = self.stopped.signals.select(DIGEST).to_numpy()
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        return digests[order], order

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each published cluster, by its id."""
        return {name: row for row, name in enumerate(self.published["id"])}

    @cached_property
    def ranks(self) -> Ints:
        """The fineness and strength with which each value of the pools agrees (`agreement.rank_values`)."""
        return rank_values(self.pool, self.accounts)

    @cached_property
    def stands(self) -> Ints:
        """The published cluster (row) that each grown one stands for, -1 = none; int64."""
        stands = np.full(len(self.numbers), -1, dtype=np.int64)
        stands[self.speaks[::-1, 0]] = self.speaks[
            ::-1, 1
        ]  # reversed: the largest part of a grown cluster stays
        return stands

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        """The published clusters, row by row."""
        return self.published.rows(named=True)

    @cached_property
    def family_places(self) -> dict[str, int]:
        """The place of each family."""
        return {name: place for place, name in enumerate(self.families)}


def digest_keys(keys: Iterable[str]) -> Digests:
    """Return the digests of keys of signals: BLAKE2b of 128 bits, uint64, (keys, 2)."""
    # Among 10 million keys, 128 bits make one false match in 10^24 look-ups.
    joined = b"".join(hashlib.blake2b(key.encode(), digest_size=16).digest() for key in keys)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64).reshape(-1, 2)


def find_digests(table: Digests, asked: Digests) -> Ints:
    """Return the place of each of `asked` in the sorted `table`, -1 where it is not there; int64."""
    # By the first half alone: two of 10 million keys share 64 bits in one index of 300,000.
    place = np.searchsorted(table[:, 0], asked[:, 0])
    found = np.full(len(asked), -1, dtype=np.int64)
    inside = np.flatnonzero(place < len(table))
    same = (table[place[inside]] == asked[inside]).all(axis=1)
    found[inside[same]] = place[inside[same]]
    return found


def build_index(run: str, incidence: Incidence, found: Found, *, signups: bool) -> ScoreIndex:
    """Build the index of a run from what it found.

    Args:
        run: id of the run.
        incidence: as `detection.find` returns it.
        found: of the same call; ids may be lasting ones.
        signups: whether the run weighed the moment of sign-up.
    """
    given = evidence_of(incidence, signups=signups)
    learned, _, _ = learn(given, found.grown, find_backbone(given, found.grown))
    return _assemble(run, incidence, given, learned, found)


def add_predecessors(index: ScoreIndex, kept: Predecessors | None) -> ScoreIndex:
    """Add the stopped accounts that sign-ups may follow, as digests of their values.

    Args:
        index: of a run.
        kept: of the same run's campaigns (`succession.find_successions`).
    """
    if kept is None:
        return index
    digests = digest_keys(kept.signals["key"])
    columns = [pl.Series(name, digests[:, place]) for place, name in enumerate(DIGEST)]
    return replace(index, stopped=replace(kept, signals=kept.signals.drop("key").with_columns(columns)))


def _assemble(run: str, incidence: Incidence, given: Evidence, learned: Learned, found: Found) -> ScoreIndex:
    graph, signals = incidence.graph, given.signals
    row = np.arange(graph.signals.height)
    warning = np.where(find_crowded(graph.signals), CROWDED, NONE).astype(np.int8)
    # Of clients, mail domains and whole networks everyone expects many users: no warning.
    telling = signals.kinds.apply(lambda kind: kind not in DERIVED and not kind_of(kind).common, np.bool_)
    warning[find_hubs(signals.kinds, signals.users) & telling] = HUB
    pooled = np.zeros(len(row), dtype=np.bool_)
    pooled[learned.pool["signal"].to_numpy()] = True
    whole = _find_wholes(graph.signals, pooled)
    # A prefix is crowded if an address of it is: of an address that is seen first, no more is known.
    crowded = graph.signals["parent"].filter(pl.Series(warning == CROWDED)).unique()
    prefixes = (graph.signals["key"].is_in(("prefix:" + crowded).implode())).to_numpy()
    warning[prefixes & (warning == NONE)] = CROWDED
    # All other signals change no answer.
    kept = np.flatnonzero(pooled | (warning != NONE) | (whole >= 0))
    digests = digest_keys(graph.signals["key"].gather(kept))
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    kept, digests = kept[order], digests[order]
    place = np.full(len(row) + 1, -1, dtype=np.int32)  # the last entry is for -1, none
    place[kept] = np.arange(len(kept), dtype=np.int32)
    pool = learned.pool.with_columns(key=pl.Series(place[learned.pool["signal"].to_numpy()])).sort(
        "key", "cluster"
    )
    first = np.searchsorted(pool["key"].to_numpy(), np.arange(len(kept) + 1))
    times = learned.signups
    nothing = np.empty(0, dtype=np.int64)
    published, speaks = _describe_published(graph, given, learned, found)
    return ScoreIndex(
        run=run,
        accounts=learned.accounts,
        least=float(found.thresholds.get("membership", 1.0)),
        families=signals.families,
        numbers=learned.numbers.astype(np.int32),
        size=learned.size.astype(np.int64),
        worth=learned.worth,
        digests=digests,
        first=first.astype(np.int64),
        warning=warning[kept],
        whole=place[whole[kept]],
        pool={name: pool[name].to_numpy() for name in POOL},
        moments=nothing if times is None else times.population.moments,
        resolution=1 if times is None else times.population.resolution,
        signup_clusters=(nothing if times is None else times.clusters).astype(np.int32),
        signup_size=nothing if times is None else times.size.astype(np.int64),
        signup_weights=np.empty((0, 4)) if times is None else times.weights,
        signup_keys=nothing if times is None else times.keys,
        published=published,
        speaks=speaks,
    )


def _find_wholes(signals: pl.DataFrame, pooled: NDArray[np.bool_]) -> Ints:
    """Find the pooled signal that each prefix and instrument is part of; int64, one a signal, -1 = none.

    The system of a prefix is that of its addresses; of several the smallest key, so that the result does not depend
    on the order of rows.
    """
    names = signals.select("key", "kind", "parent", "grandparent", row=pl.int_range(pl.len(), dtype=pl.Int64))
    wholes = names.filter(pl.Series(pooled)).select(whole_key="key", whole="row")
    systems = (
        names.filter((pl.col("kind") == "ip") & (pl.col("grandparent") != ""))
        .select(key="prefix:" + pl.col("parent"), whole_key="system:" + pl.col("grandparent"))
        .join(wholes, on="whole_key")
        .sort("whole_key")
        .unique("key", keep="first", maintain_order=True)
    )
    bins = (
        names.filter((pl.col("kind") == "instrument") & (pl.col("parent") != ""))
        .select("key", whole_key="bin:" + pl.col("parent"))
        .join(wholes, on="whole_key")
    )
    parts = pl.concat([each.select("key", "whole") for each in (systems, bins)]).join(
        names.select("key", "row"), on="key"
    )
    found = np.full(signals.height, -1, dtype=np.int64)
    found[parts["row"].to_numpy()] = parts["whole"].to_numpy()
    return found


def _describe_published(
    graph: SignalGraph, given: Evidence, learned: Learned, found: Found
) -> tuple[pl.DataFrame, NDArray[np.int32]]:
    """Describe the published clusters, and which of them each grown one stands for.

    A published cluster came of the grown one that most of its members were in (parts were split off). A grown one is
    published as the cluster that more than half of its members are in (people's pins made clusters one).
    """
    # Clusters are in the order of their ranks, and members name them by row.
    members = found.members.select("cluster", "account")
    facts = traits(members, graph, given.signals).select("cluster", "size", "stopped")
    published = (
        found.clusters.select("id", "assessment", "score", "coordination")
        .with_columns(cluster=pl.int_range(pl.len(), dtype=pl.Int32))
        .join(facts, on="cluster", how="left", maintain_order="left")
        .select(
            "id", "assessment", "score", "coordination", pl.col("size").cast(pl.Int64),
            stopped=(pl.col("stopped") / pl.col("size")).cast(pl.Float64),
        )
    )  # fmt: skip
    grown = found.grown.select(grown="cluster", account="account")
    counts = members.join(grown, on="account").group_by("cluster", "grown").agg(shared=pl.len())
    sizes = grown.group_by("grown").agg(whole=pl.len())
    counts = counts.join(sizes, on="grown").sort(
        "cluster", "shared", "grown", descending=[False, True, False]
    )
    origin = counts.unique("cluster", keep="first", maintain_order=True)
    mostly = counts.filter(pl.col("shared") * 2 > pl.col("whole"))
    pairs = pl.concat([origin, mostly]).select("grown", "cluster", "shared").unique()
    pairs = pairs.sort("grown", "shared", "cluster", descending=[False, True, False])
    place = np.searchsorted(learned.numbers, pairs["grown"].to_numpy())
    return published, np.stack([place, pairs["cluster"].to_numpy()], axis=1).astype(np.int32)
