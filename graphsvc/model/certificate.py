"""What a run certifies: from which graph, with what, it made which result."""

import json
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = "graphsvc run certificate 2"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that decides a run's result, and the result.

    `input_hash` is that of the whole graph (`SignalGraph.fingerprint`). `result_hash` is that of clusters, scores,
    coordination, assessments and members (`Found.fingerprint`), whatever names they were given. `clusters`, `members`
    and `links` count campaigns, `businesses` and `business_members` likely businesses. `versions` are those of all that
    computes.
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

    def text(self) -> str:
        """The certificate as JSON with sorted keys: the same content, the same bytes. This is what is signed."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> "Certificate":
        """From its text.

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
