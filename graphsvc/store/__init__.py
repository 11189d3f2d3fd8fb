"""The only door to Neo4j: driver, statements, typed rows, loads, publishing, retention."""

from graphsvc.store.connection import Address, Store

__all__ = ["Address", "Store"]
