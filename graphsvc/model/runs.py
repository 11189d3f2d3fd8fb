"""A detection run: input, engine and parameters."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4


class Algorithm(StrEnum):
    """Community detection algorithms that every engine offers."""

    LEIDEN = "leiden"
    LOUVAIN = "louvain"
    LABEL_PROPAGATION = "label-propagation"
    WCC = "wcc"


@dataclass(frozen=True, slots=True)
class Run:
    """All that describes how a result was made, and allows to make it again."""

    id: str
    engine: str
    algorithm: str
    seed: int
    parameters: dict[str, Any]
    versions: dict[str, str]
    input_hash: str = ""
    accounts: int = 0
    signals: int = 0
    newest_signup: int = 0
    """Newest sign-up in the graph, ms since 1970. It and the three fields before are set once the graph is
    read."""


def new_run_id() -> str:
    """Return an id that no run has yet."""
    return f"r{uuid4().hex[:15]}"
