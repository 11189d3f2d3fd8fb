"""Work on groups of rows in arrays: where they start and end, their sums, slices, components and signatures."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from graphsvc.types import Flags, Floats, Ints, Ints32, Rows


def flag_starts(*columns: NDArray[np.generic]) -> Flags:
    """Flag rows that are the first, or differ from the one before in any of the columns; bool, one a row."""
    starts = np.zeros(len(columns[0]), dtype=np.bool_)
    starts[:1] = True
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts


def find_starts(*columns: NDArray[np.generic]) -> Ints:
    """Find the first row of each run of equal rows; int64, ascending."""
    return np.flatnonzero(flag_starts(*columns))


def find_ends(*columns: NDArray[np.generic]) -> Ints:
    """Find the last row of each run of equal rows; int64, ascending."""
    ends: Ints = np.append(find_starts(*columns), len(columns[0]))[1:] - 1
    return ends


def sum_runs(frame: pl.DataFrame, keys: list[str], values: str) -> Floats:
    """Sum each run of rows with equal keys, in the order of the rows: to the same last digit at any number of threads.

    Polars divides the rows of a group between threads, even where it maintains their order. A sum in another
    order differs in its last digit.

    Args:
        frame: sorted by `keys`, or at least with each group contiguous; keys are never null.
        keys: columns whose equal values make a group.
        values: a column of numbers.

    Returns:
        float64, one a group, in their order.
    """
    starts = flag_starts(*(frame[key].to_numpy() for key in keys))
    # `bincount` adds one row after another, in a single thread. The first row's number is 1.
    sums = np.bincount(np.cumsum(starts), frame[values].to_numpy())[1:]
    return sums.astype(np.float64)


def expand_slices(first: Rows, end: Rows) -> tuple[Ints, Ints]:
    """Return all row numbers of many slices.

    Args:
        first: first row of each slice.
        end: row after the last one of each slice, parallel, not below `first`.

    Returns:
        Number of the slice and row, int64, parallel, in the order of the slices.
    """
    # One `repeat` and one `arange` for all slices: a row is its place in the result, shifted by its slice's
    # offset.
    count = end - first
    place = np.repeat(np.arange(len(first)), count)
    return place, np.arange(len(place)) + (first - np.cumsum(count) + count)[place]


def label_components(nodes: int, one: Rows, other: Rows) -> Ints32:
    """Label the connected component of each node of an undirected graph.

    Args:
        nodes: number of nodes.
        one: one end of each edge, node numbers.
        other: the other end, parallel.

    Returns:
        int32, one a node. Components are numbered from 0 in the order of their first nodes; a node without an edge is
        a component.
    """
    matrix = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(nodes, nodes))
    found: Ints32 = connected_components(matrix, directed=False)[1]
    return found


def replace_data(matrix: csr_array, data: NDArray[np.generic]) -> csr_array:
    """Return a matrix of the same structure with other entries, in the order of `matrix.data`."""
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def sign_values(row: Rows, value: Rows, rows: int) -> NDArray[np.uint64]:
    """Sign each value by the rows that have it: values of the same rows have the same signature.

    It is the sum of random numbers of the rows, the same for the same rows.

    Args:
        row: (uses,) the row of each use.
        value: (uses,) the value of each use; each pair once.
        rows: how many there are.

    Returns:
        uint64, one a value up to the largest; 0 for one that no row has.
    """
    # Two different sets of rows have one sum with a chance of about 2^-63.
    tags = np.random.default_rng(0).integers(0, 2**63, rows, dtype=np.uint64)
    sums = np.zeros(int(value.max(initial=-1)) + 1, dtype=np.uint64)
    np.add.at(sums, value, tags[row])
    return sums
