"""Compute once a run the columns of signals and the matrix of their uses, which many steps ask for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.bits import KindColumn, count_users, measure_bits, measure_strengths
from graphsvc.linkage.rule import Reference, find_linking, find_sufficient
from graphsvc.linkage.transience import find_transient
from graphsvc.linkage.uses import Uses
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import family_of, level_of
from graphsvc.types import Flags, Floats, Ints, Ints32


@dataclass(frozen=True, slots=True)
class SignalTable:
    """Columns of signals, against a population that tells how rare they are.

    Attributes:
        kinds: of the signals.
        family: place of each signal's family in `families`, int32.
        families: names of the families, sorted.
        level: int8; 0 a value itself, 1 its parent, 2 its grandparent.
        users: accounts of the population that use each signal, int64.
        bits: what sharing each adds to the odds of one operator, float64.
        linking: whether each can make a link, bool.
        sufficient: whether each makes a link by itself, bool.
    """

    kinds: KindColumn
    family: Ints32
    families: list[str]
    level: NDArray[np.int8]
    users: Ints
    bits: Floats
    linking: Flags
    sufficient: Flags

    @classmethod
    def of(cls, signals: pl.DataFrame, reference: Reference) -> "SignalTable":
        """Compute the table.

        Args:
            signals: key, kind, parent and class (`model.graph.SIGNAL_COLUMNS`).
            reference: the accounts that tell how rare each is.
        """
        kinds = KindColumn.of(signals["kind"])
        families = sorted({family_of(kind) for kind in kinds.names})
        linking = find_linking(signals, kinds, reference)
        return cls(
            kinds,
            kinds.apply(lambda kind: families.index(family_of(kind)), np.int32),
            families,
            kinds.apply(level_of, np.int8),
            reference.users,
            measure_bits(kinds, reference.share),
            linking,
            find_sufficient(kinds, reference, linking),
        )


@dataclass(frozen=True)
class Incidence:
    """A graph with what a run asks of it again and again: columns of its signals, and who uses which.

    Attributes:
        graph: with levels (`bits.with_levels`).
        signals: its signals, among all accounts.
        transient: whether each use is transient (`transience.find_transient`), bool, one an edge of the graph.
    """

    graph: SignalGraph
    signals: SignalTable
    transient: Flags

    @classmethod
    def of(cls, graph: SignalGraph) -> "Incidence":
        """Compute all of a graph with levels, but the matrix, which waits until it is asked for."""
        degree = count_users(graph)
        signals = SignalTable.of(graph.signals, Reference.of_others(degree, graph.accounts.height))
        kind = signals.kinds.place
        uses = np.bincount(kind, degree, minlength=len(signals.kinds.names)).astype(np.int64)
        return cls(
            graph, signals, find_transient(graph.first_seen, graph.last_seen, graph.signal, kind, uses)
        )

    @cached_property
    def uses(self) -> Uses:
        """Uses of the signals that more than one account has and that are evidence at all, whatever their degree."""
        kept = ((self.signals.users > 1) & (measure_strengths(self.signals.kinds) > 0.0))[self.graph.signal]
        return Uses.of(
            self.graph.account[kept],
            self.graph.signal[kept],
            self.transient[kept],
            accounts=self.graph.accounts.height,
            signals=self.graph.signals.height,
        )

    def count_lasting(self) -> Ints:
        """Count the accounts with a lasting use of each signal; int64. Visitors do not make a value popular."""
        return np.bincount(self.graph.signal[~self.transient], minlength=self.graph.signals.height)
