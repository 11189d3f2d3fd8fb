"""The engines by their names. What an engine needs is imported when it is asked for."""

from enum import StrEnum
from typing import TYPE_CHECKING

from graphsvc.errors import DetectionError

if TYPE_CHECKING:
    from neo4j import Driver

    from graphsvc.community.protocol import Detector


class Engine(StrEnum):
    """Where communities are computed: in this process, or in the database by Graph Data Science."""

    INPROCESS = "inprocess"
    GDS = "gds"


def build_detector(engine: str, driver: "Driver", database: str | None) -> "Detector":
    """Return the engine of a name, as a run records it.

    Args:
        driver, database: where `gds` computes.

    Raises:
        DetectionError: there is no such engine here.
    """
    match engine:
        case Engine.INPROCESS:
            from graphsvc.community.inprocess import InProcessDetector

            return InProcessDetector()
        case Engine.GDS:
            from graphsvc.community.gds import GdsDetector

            return GdsDetector(driver, database)
    raise DetectionError(
        f"There is no engine {engine!r} in this version of graphsvc.", f"Engines are {', '.join(Engine)}."
    )
