"""The engine `gds`: community detection inside Neo4j through the official client."""

from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from graphdatascience import GraphDataScience
from graphdatascience import __version__ as client_version
from numpy.typing import NDArray

from graphsvc.community.protocol import canonical
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc.statements import cypher

if TYPE_CHECKING:
    from neo4j import Driver


class GdsDetector:
    """Projects links into the GDS catalogue, runs an algorithm there, drops the projection.

    Always with one thread: GDS gives the same communities twice only for `concurrency: 1` with a seed
    (neo4j/graph-data-science#225).
    """

    name = "gds"

    def __init__(self, driver: "Driver", database: str | None) -> None:
        self._gds = GraphDataScience(driver, database=database, arrow=False, show_progress=False)

    def versions(self) -> dict[str, str]:
        """Versions of the GDS server and client."""
        return {"gds": str(self._gds.server_version()), "graphdatascience": client_version}

    def communities(
        self, links: Links, algorithm: Algorithm, *, gamma: float, seed: int
    ) -> NDArray[np.int32]:
        """See `Detector.communities`. `gamma` and `seed` matter to Leiden only; the others have neither."""
        linked = np.zeros(links.nodes, dtype=np.bool_)
        linked[links.source] = linked[links.target] = True
        raw = np.zeros(links.nodes, dtype=np.int64)
        if not len(links):
            return canonical(raw, linked)
        with self._gds.graph.project.cypher(
            cypher("detect/project_links"),
            # A name of its own, so that two runs at once or a retry never meet in the catalogue.
            graph_name=f"graphsvc-{uuid4().hex}",
            source=links.source.tolist(),
            target=links.target.tolist(),
            bits=links.bits.tolist(),
        ) as graph:
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
        raw[found["nodeId"].to_numpy()] = found[column].to_numpy()
        return canonical(raw, linked)
