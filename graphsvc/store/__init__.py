"""Access to Neo4j: driver, migrations, reading as columns, writing in batches."""

from graphsvc.store.connection import Address, Store

__all__ = ["Address", "Store"]
