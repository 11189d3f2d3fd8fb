"""The only door to Neo4j: driver, statements, typed rows, loads, publishing, retention."""

from graphsvc.imports import hide_modules

# Where pandas is installed, the driver imports it to take its times as parameters. No statement here gets one, and
# it is a seventh of the processor time in which the service is imported.
with hide_modules("pandas"):
    from graphsvc.store.connection import Address, Store

__all__ = ["Address", "Store"]
