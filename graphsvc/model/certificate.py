"""Certificate of a run: input, parameters, versions and result."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.model.runs import Run

FORMAT = "graphsvc run certificate 2"
"""Format and version that the text names."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """All that determines a run's result, and the result.

    `input_hash` is that of the graph (`SignalGraph.fingerprint`). `result_hash` covers clusters, scores,
    coordination, assessments and members (`Found.fingerprint`), independent of names. `clusters`, `members`
    and `links` count campaigns. `businesses` and `business_members` count likely businesses. `versions` are
    those of all computing libraries.
    """

    run: str
    input_hash: str
    accounts: int
    signals: int
    engine: str
    algorithm: str
    seed: int
    parameters: dict[str, Any]
    versions: dict[str, str]
    result_hash: str
    clusters: int
    members: int
    businesses: int
    business_members: int
    links: int

    def to_json(self) -> str:
        """Return the certificate as JSON with sorted keys, which is what is signed. Equal content gives equal bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """Read a certificate from its text.

        Raises:
            ValueError: the text is no certificate of this format.
        """
        content = json.loads(text)
        if content.pop("format", None) != FORMAT:
            raise ValueError("not a run certificate of a known format")
        try:
            return cls(**content)
        except TypeError:
            raise ValueError("not a whole run certificate") from None


def build_certificate(run: Run, graph: SignalGraph, found: Found) -> Certificate:
    """Build the certificate of a run that read `graph` and found `found`."""
    campaigns = found.select_campaigns()
    return Certificate(
        **{
            name: getattr(run, name)
            for name in ("input_hash", "accounts", "signals", "engine", "algorithm", "seed")
        },
        run=run.id,
        parameters=run.parameters,
        versions=run.versions,
        result_hash=found.fingerprint(graph),
        clusters=campaigns.clusters.height,
        members=campaigns.members.height,
        businesses=found.clusters.height - campaigns.clusters.height,
        business_members=found.members.height - campaigns.members.height,
        links=campaigns.links.height,
    )
