"""The interface of a detection engine: communities of a weighted graph of accounts."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphsvc.community.components import find_components
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc.types import Progress, ignore_progress


class Detector(Protocol):
    """An engine for community detection."""

    @property
    def name(self) -> str:
        """Return the name of the engine, as in `--engine`."""
        ...

    def versions(self) -> dict[str, str]:
        """Return the versions of what computes, for the run's record."""
        ...

    def communities(
        self,
        links: Links,
        algorithm: Algorithm,
        *,
        gamma: float,
        seed: int,
        progress: Progress = ignore_progress,
    ) -> NDArray[np.int32]:
        """Return the community of each account: int32, shape (links.nodes,), -1 for accounts without a link.

        They are numbered 0, 1, … by the smallest account in each, so that equal partitions are equal arrays.
        Each is connected by links inside it. The same links, algorithm, gamma (resolution of Leiden's
        modularity) and seed give the same array.

        Args:
            links: between accounts.
            algorithm: to run.
            gamma: resolution.
            seed: of the algorithm.
            progress: called with "communities", links done and all links. An exception that it raises ends
                the work.

        Raises:
            DetectionError: the engine cannot do it; says what it would need.
        """
        ...


def renumber_communities(raw: NDArray[np.int64], linked: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Renumber communities by the smallest account in each; -1 where `linked` is false. int32, same shape."""
    result = np.full(len(raw), -1, dtype=np.int32)
    # The first occurrence is the smallest account, since accounts are in order.
    _, first, inverse = np.unique(raw[linked], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    result[linked] = rank[inverse]
    return result


def split_disconnected(links: Links, community: NDArray[np.int32]) -> NDArray[np.int32]:
    """Split communities that no links inside them hold together into their connected parts.

    Some algorithms produce such (Traag, Waltman & van Eck, From Louvain to Leiden, 2019).

    Args:
        links: between accounts.
        community: as `Detector.communities` returns it.
    """
    parts = find_components(links, community[links.source] == community[links.target])
    return renumber_communities(parts.astype(np.int64), community >= 0)
