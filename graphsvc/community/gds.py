"""The engine `gds`: community detection inside Neo4j through the official client."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from graphsvc.community.components import find_components
from graphsvc.community.engines import Guard
from graphsvc.community.protocol import renumber_communities, split_disconnected
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc.statements import load_text
from graphsvc.types import Progress, ignore_progress

if TYPE_CHECKING:
    from neo4j import Driver


LINKS_AT_ONCE = 2_000_000
"""Links that are sent to the server in one statement, but for a connected component that has more: the statement's
parameters take it some hundred bytes a link."""


class GdsDetector:
    """Projects links into the GDS catalogue, runs an algorithm there, drops the projection.

    Always with one thread: GDS gives the same communities twice only for `concurrency: 1` with a seed
    (neo4j/graph-data-science#225).
    """

    name = "gds"

    def __init__(self, driver: "Driver", database: str | None, guard: Guard = nullcontext) -> None:
        # A second to import, which nothing else should wait for.
        from graphdatascience import GraphDataScience

        self._guard = guard
        # The client connects as soon as it is made.
        with guard():
            self._gds = GraphDataScience(driver, database=database, arrow=False, show_progress=False)

    def versions(self) -> dict[str, str]:
        """Return the versions of the GDS server and client."""
        from graphdatascience import __version__ as client_version

        with self._guard():
            return {"gds": str(self._gds.server_version()), "graphdatascience": client_version}

    def communities(
        self,
        links: Links,
        algorithm: Algorithm,
        *,
        gamma: float,
        seed: int,
        progress: Progress = ignore_progress,
    ) -> NDArray[np.int32]:
        """Find communities as `Detector.communities`. `gamma` and `seed` matter to Leiden only.

        More links than the server takes at once are sent in batches of complete connected components. Leiden
        weighs each as part of all; Louvain, which has no resolution, as if it were all.
        """
        linked = np.zeros(links.nodes, dtype=np.bool_)
        linked[links.source] = linked[links.target] = True
        raw = np.zeros(links.nodes, dtype=np.int64)
        done, number, weight = 0, 0, links.bits.sum()
        for batch in _split_batches(links):
            accounts, found = self._find_batch(
                links, batch, algorithm, gamma * (links.bits[batch].sum() / weight if weight else 1.0), seed
            )
            raw[accounts] = found + number
            number += int(found.max()) + 1
            done += len(batch)
            progress("communities", done, len(links))
        return split_disconnected(links, renumber_communities(raw, linked))

    def _find_batch(
        self, links: Links, batch: NDArray[np.int64], algorithm: Algorithm, gamma: float, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the accounts of some links, and the number of the community of each."""
        projection = self._gds.graph.project.cypher
        # A name of its own, so that two runs at once or a retry never meet in the catalogue.
        name = f"graphsvc-{uuid4().hex}"
        ends = {"source": links.source[batch].tolist(), "target": links.target[batch].tolist()}
        bits = links.bits[batch].tolist()
        with (
            self._guard(),
            projection(load_text("detect/project_links"), graph_name=name, **ends, bits=bits) as graph,
        ):
            match algorithm:
                case Algorithm.LEIDEN:
                    found = self._gds.leiden.stream(
                        graph,
                        relationship_weight_property="bits",
                        gamma=gamma,
                        random_seed=seed,
                        concurrency=1,
                        log_progress=False,
                    )
                case Algorithm.LOUVAIN:
                    found = self._gds.louvain.stream(
                        graph, relationship_weight_property="bits", concurrency=1, log_progress=False
                    )
                case Algorithm.LABEL_PROPAGATION:
                    found = self._gds.label_propagation.stream(
                        graph, relationship_weight_property="bits", concurrency=1, log_progress=False
                    )
                case Algorithm.WCC:
                    found = self._gds.wcc.stream(graph, concurrency=1, log_progress=False)
        column = "componentId" if algorithm is Algorithm.WCC else "communityId"
        # Numbers of communities can be those of nodes in the projection; small ones keep batches apart.
        _, number = np.unique(found[column].to_numpy(), return_inverse=True)
        return found["nodeId"].to_numpy().astype(np.int64), number.astype(np.int64)


def _split_batches(links: Links) -> Iterator[NDArray[np.int64]]:
    """Yield row numbers of links, in batches of complete components and of about `LINKS_AT_ONCE`."""
    component = find_components(links)[links.source]
    many = np.bincount(component)
    batch = ((np.cumsum(many) - many) // LINKS_AT_ONCE)[component]
    for number in np.unique(batch):
        yield np.flatnonzero(batch == number)
