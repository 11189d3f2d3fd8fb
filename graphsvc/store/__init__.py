"""All that talks to Neo4j: the driver, migrations, reading as columns, writing in batches."""

from graphsvc.store.connection import Address, Store

__all__ = ["Address", "Store"]
