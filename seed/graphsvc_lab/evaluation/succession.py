"""Metrics of successions: whether the true predecessor of a replacement is ranked first."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import DERIVED, kind_of
from graphsvc_lab.evaluation.rates import Rate

EDGES = (0.5, 0.7, 0.9, 0.99, 1.0)
FEW = 100
"""A value of no more accounts than this can propose a pair in whatever cluster."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Probable pairs with a probability in [`low`, `high`): its mean, and the share that is right."""

    low: float
    high: float
    pairs: int
    said: float | None
    right: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Metrics of successions. A rate's `of` are the true replacements unless stated otherwise.

    - `first`: the predecessor is ranked first.
    - `mrr`: mean of 1 / rank of the predecessor, 0 if it is not proposed (Voorhees 1999).
    - `proposed`: the predecessor is a candidate.
    - `precision`, `recall`: of the probable pairs.
    - `follows`: probable pairs whose successor is a replacement of any account.
    """

    first: Rate
    mrr: float
    proposed: Rate
    precision: Rate
    recall: Rate
    follows: Rate
    reliability: tuple[Reliability, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics ready for JSON; rates with their value."""
        found = asdict(self)
        for name in ("first", "proposed", "precision", "recall", "follows"):
            found[name]["rate"] = getattr(self, name).rate
        return found


def measure_successions(pairs: pl.DataFrame, truth: pl.DataFrame) -> Figures:
    """Evaluate pairs against the truth.

    Args:
        pairs: successor, predecessor, rank, probable, probability; as `succession.successions.PAIRS`.
        truth: successor, predecessor; one row a replacement.
    """
    judged = truth.join(pairs, on=["successor", "predecessor"], how="left")
    rank = judged["rank"].drop_nulls().to_numpy()
    real = truth.with_columns(right=pl.lit(True))
    probable = pairs.filter("probable").join(real, on=["successor", "predecessor"], how="left")
    probable = probable.select("successor", said="probability", right=pl.col("right").fill_null(False))
    right = int(probable["right"].sum())
    heirs = probable.join(truth, on="successor", how="semi").height
    births = truth.height
    return Figures(
        Rate(int((rank == 1).sum()), births),
        # Pairs that were not proposed add nothing to the sum, and count in `births`.
        float((1.0 / rank).sum()) / births if births else 0.0,
        Rate(len(rank), births),
        Rate(right, probable.height),
        Rate(right, births),
        Rate(heirs, probable.height),
        tuple(_build_bin(probable, low, high) for low, high in pairwise(EDGES)),
    )


def measure_ceilings(graph: SignalGraph, truth: pl.DataFrame) -> dict[str, Rate]:
    """Count the replacements that share something with their predecessor, which bounds every method.

    Returns:
        `any`: any value; `tying`: one of a linking kind; `few`: such a value of at most 100 accounts.
    """
    kinds = graph.signals["kind"].unique().to_list()
    # Derived kinds (ranges, systems) are left out: they follow from others, and would make the bound look
    # higher.
    ties = [kind for kind in kinds if kind not in DERIVED and kind_of(kind).ties]
    degree = np.bincount(graph.signal, minlength=graph.signals.height)
    uses = pl.DataFrame({"account": graph.account, "signal": graph.signal})
    about = graph.signals.select(
        signal=pl.int_range(pl.len(), dtype=pl.Int32),
        tying=pl.col("kind").is_in(ties),
        few=pl.col("kind").is_in(ties) & (pl.Series(degree) <= FEW),
        any=~pl.col("kind").is_in(list(DERIVED)),
    )
    shared = (
        truth.select("successor", "predecessor")
        .join(uses.select("signal", successor="account"), on="successor")
        .join(uses.select("signal", predecessor="account"), on=["predecessor", "signal"], how="semi")
        .join(about, on="signal")
    )
    return {
        name: Rate(shared.filter(name)["successor"].n_unique(), truth.height)
        for name in ("any", "tying", "few")
    }


def _build_bin(probable: pl.DataFrame, low: float, high: float) -> Reliability:
    said = pl.col("said")
    # The last bin includes its upper end, as a probability of 1 must be in one.
    inside = probable.filter((said >= low) & ((said < high) | (said == high) & (high == EDGES[-1])))
    mean, right = inside.select(said.mean(), pl.col("right").mean()).row(0)
    return Reliability(low, high, inside.height, mean, right)
