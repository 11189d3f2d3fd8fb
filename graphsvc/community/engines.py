"""The engines by name. An engine's libraries are imported when it is requested."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING

from graphsvc.errors import DetectionError

if TYPE_CHECKING:
    from neo4j import Driver

    from graphsvc.community.protocol import Detector

SPARK = "spark"
"""Engine of runs whose graph and links were made on a cluster. Their communities are found in this process, so that a
run can be verified where there is no Spark."""
Guard = Callable[[], AbstractContextManager[None]]


class Engine(StrEnum):
    """Engines that detect in the database's graph: in this process, or in the database by Graph Data Science."""

    INPROCESS = "inprocess"
    GDS = "gds"


def build_detector(
    engine: str, driver: "Driver", database: str | None, guard: Guard = nullcontext
) -> "Detector":
    """Build the engine of a name, as a run records it.

    Args:
        engine: its name.
        driver: of the database where `gds` computes.
        database: its name.
        guard: makes the context that its statements run in.

    Raises:
        DetectionError: there is no such engine here.
    """
    match engine:
        case Engine.INPROCESS:
            from graphsvc.community.inprocess import InProcessDetector

            return InProcessDetector()
        case _ if engine == SPARK:
            from graphsvc.community.inprocess import InProcessDetector

            return InProcessDetector(SPARK)
        case Engine.GDS:
            from graphsvc.community.gds import GdsDetector

            return GdsDetector(driver, database, guard)
    raise DetectionError(
        f"There is no engine {engine!r} in this version of graphsvc.",
        f"Engines are {', '.join([*Engine, SPARK])}.",
    )
