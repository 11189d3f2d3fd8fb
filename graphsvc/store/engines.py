"""Engines of detection that compute in the database of a store."""

from graphsvc.community.engines import build_detector
from graphsvc.community.protocol import Detector
from graphsvc.store.connection import Store, map_driver_errors


def open_detector(store: Store, engine: str) -> Detector:
    """Build the engine of a name, as a run records it. The faults of its driver become errors of the store.

    Raises:
        DetectionError: there is no such engine here.
        DatabaseUnavailable, DatabaseRefused: the database has no such engine, or does not answer.
    """
    return build_detector(engine, store.driver, store.address.database, map_driver_errors)
