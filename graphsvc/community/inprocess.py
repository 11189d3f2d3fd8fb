"""The engine `inprocess`: community detection in this process, one connected component at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

import numpy as np
import scipy
from numpy.typing import NDArray

from graphsvc.community.components import compute_scale, find_components, find_indivisible
from graphsvc.community.graphs import PLM, PLP, ParallelLeiden, networkit
from graphsvc.community.protocol import renumber_communities, split_disconnected
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc.types import Progress, ignore_progress

ITERATIONS = 10
"""Rounds of Leiden: more change next to nothing."""
UNITED = 3
"""Where labels propagate, so few connected accounts end up with one."""

_alone = Lock()
"""networkit's seed and number of threads are the process's: one at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """A connected component: its accounts, ascending, and its links by their places among these."""

    account: NDArray[np.int32]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    bits: NDArray[np.float64]


class InProcessDetector:
    """Splits the links into connected components, and runs networkit on those that might be several communities.

    A component is solved as if it were alone, always from the same seed. So a change in one leaves the
    communities of all others unchanged. They have only the total weight in common, which is quantized
    (`components.compute_scale`). networkit is reproducible only on one thread, so it uses one, whatever
    number is allowed elsewhere.

    Args:
        name: of the engine, as runs record it.
    """

    def __init__(self, name: str = "inprocess") -> None:
        self.name = name

    def versions(self) -> dict[str, str]:
        """Return the versions of the libraries that compute."""
        return {"networkit": networkit.__version__, "scipy": scipy.__version__}

    def communities(
        self,
        links: Links,
        algorithm: Algorithm,
        *,
        gamma: float,
        seed: int,
        progress: Progress = ignore_progress,
    ) -> NDArray[np.int32]:
        """Find communities as `Detector.communities`. `gamma` matters to Leiden only; `wcc` uses no seed either."""
        linked = np.zeros(links.nodes, dtype=np.bool_)
        linked[links.source] = linked[links.target] = True
        component = find_components(links)
        if algorithm is Algorithm.WCC or not len(links):
            return renumber_communities(component.astype(np.int64), linked)
        resolution = gamma if algorithm is Algorithm.LEIDEN else 1.0
        scale = compute_scale(links)
        if algorithm is Algorithm.LABEL_PROPAGATION:
            whole = np.bincount(component) <= UNITED
        else:
            whole = find_indivisible(links, component, scale, resolution)
        raw = component.astype(np.int64)
        asked = ~whole[component[links.source]]
        done, total, count = len(links) - int(asked.sum()), len(links), len(whole)
        progress("communities", done, total)
        for part in _split_parts(links, component, asked):
            found = _find_communities(part, algorithm, resolution / scale, seed)
            raw[part.account] = count + found
            count += len(part.account)
            done += len(part.source)
            progress("communities", done, total)
        return split_disconnected(links, renumber_communities(raw, linked))


def _split_parts(links: Links, component: NDArray[np.int32], asked: NDArray[np.bool_]) -> Iterator[Part]:
    """Yield the components of the links `asked`."""
    link = np.flatnonzero(asked)
    link = link[np.argsort(component[links.source[link]], kind="stable")]
    for of in np.split(link, np.flatnonzero(np.diff(component[links.source[link]])) + 1):
        if len(of):
            ends = np.stack([links.source[of], links.target[of]])
            account, place = np.unique(ends, return_inverse=True)
            yield Part(account, place[0], place[1], links.bits[of])


def _find_communities(part: Part, algorithm: Algorithm, resolution: float, seed: int) -> NDArray[np.int64]:
    """Find the community of each account of a component, numbered from 0; int64.

    Args:
        part: the component.
        algorithm: to run.
        resolution: for each unit of the component's weight, as a part of all.
        seed: of the algorithm.
    """
    graph = networkit.GraphFromCoo(
        (part.bits, (part.source, part.target)), n=len(part.account), weighted=True, directed=False
    )
    # Modularity of the component alone at this resolution weighs communities as that of the entire graph
    # does.
    gamma = resolution * float(part.bits.sum())
    match algorithm:
        case Algorithm.LEIDEN:
            method = ParallelLeiden(graph, randomize=True, iterations=ITERATIONS, gamma=gamma)
        case Algorithm.LOUVAIN:
            method = PLM(graph, refine=False, gamma=gamma, par="none randomized")
        case _:
            method = PLP(graph, updateThreshold=0)
    with _alone:
        threads = networkit.getMaxNumberOfThreads()
        networkit.setNumberOfThreads(1)
        networkit.setSeed(seed, False)
        try:
            return np.array(method.run().getPartition().getVector(), dtype=np.int64)
        finally:
            networkit.setNumberOfThreads(threads)
