"""A detection run: with what, on what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Algorithm(StrEnum):
    """Community detection algorithms that every engine offers."""

    LEIDEN = "leiden"
    LOUVAIN = "louvain"
    LABEL_PROPAGATION = "label-propagation"
    WCC = "wcc"


@dataclass(frozen=True, slots=True)
class Run:
    """Everything needed to say how a result came about, and to make it again."""

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
    """The newest moment of a sign-up in the graph, ms since 1970. This and the three before: once it has read."""
