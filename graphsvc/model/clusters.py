"""Clusters as columns."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

CLUSTERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cluster": pl.Int32,
    "id": pl.String,
    "size": pl.Int64,
    "score": pl.Float64,
    "bits": pl.Float64,
    "families": pl.List(pl.String),
    "first_seen": pl.Int64,
    "last_seen": pl.Int64,
    "summary": pl.String,
    "rank": pl.Int64,
}
MEMBERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cluster": pl.Int32,
    "account": pl.Int32,
    "membership": pl.Float64,
    "bits": pl.Float64,
}
SHARED: dict[str, pl.DataType | type[pl.DataType]] = {
    "cluster": pl.Int32,
    "signal": pl.Int32,
    "rank": pl.Int64,
    "accounts": pl.Int64,
    "share": pl.Float64,
    "bits": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a detection run found, before it is published.

    `clusters`, `members`, `shared` have the schemas `CLUSTERS`, `MEMBERS`, `SHARED`; accounts and signals are
    indices into the graph the run read. `source`, `target`, `link_bits`, `link_families` are the strongest links
    inside clusters.
    """

    clusters: pl.DataFrame
    members: pl.DataFrame
    shared: pl.DataFrame
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    link_bits: NDArray[np.float64]
    link_families: list[list[str]]
