"""What every detection engine must do: communities of a weighted graph of accounts."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm


class Detector(Protocol):
    """An engine for community detection."""

    @property
    def name(self) -> str:
        """Name of the engine, as in `--engine`."""
        ...

    def versions(self) -> dict[str, str]:
        """Versions of what computes, for the run's record."""
        ...

    def communities(
        self, links: Links, algorithm: Algorithm, *, gamma: float, seed: int
    ) -> NDArray[np.int32]:
        """Community of each account: int32, shape (links.nodes,), -1 for accounts without a link.

        Numbered 0, 1, … by the smallest account in each, so that equal partitions are equal arrays. The same links,
        algorithm, gamma (resolution of Leiden's modularity) and seed give the same array.

        Raises:
            DetectionError: the engine cannot do it; says what it would need.
        """
        ...


def canonical(raw: NDArray[np.int64], linked: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Renumbers communities by the smallest account in each; -1 where `linked` is false. int32, same shape."""
    result = np.full(len(raw), -1, dtype=np.int32)
    _, first, inverse = np.unique(raw[linked], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    result[linked] = rank[inverse]
    return result
