"""Gaps of an export: missing columns and empty cells."""

import numpy as np
import polars as pl

from graphsvc_lab.worlds.scenario import OPTIONAL_COLUMNS, Scenario
from graphsvc_lab.worlds.streams import hash_names, mix_bits


def drop_unexported(scenario: Scenario, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Drop the columns and cells of a table that the scenario's export does not have.

    Args:
        scenario: Its `filled` gives the share of the cells that are filled, by `table.column`.
        name: The table.
        frame: Its rows; the same rows lose the same cells always.

    Returns:
        The rows with the columns that are there, in the order of `frame`.
    """
    for column in OPTIONAL_COLUMNS.get(name, ()):
        share = scenario.filled.get(f"{name}.{column}", 1.0)
        if share == 0:
            frame = frame.drop(column)
        elif share < 1:
            scattered = mix_bits(np.arange(frame.height), hash_names(name, column)) / 2.0**64
            there = pl.lit(pl.Series(scattered < share))
            frame = frame.with_columns(pl.when(there).then(column).alias(column))
    return frame
