"""Read what earlier runs know of identities."""

import polars as pl

from graphsvc.model.lineage import IDENTITIES, MEMBERS, SIGNALS, Known
from graphsvc.store.connection import Store


def read_known(store: Store) -> Known:
    """Read every identity published before with its last cluster, one record an identity.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    packed = pl.DataFrame(
        store.read("lineage/identities"),
        schema={
            **IDENTITIES,
            "account": pl.List(pl.String),
            "tenure": pl.List(pl.Float64),
            "member": pl.List(pl.Boolean),
            "signal": pl.List(pl.String),
            "bits": pl.List(pl.Float64),
        },
    )

    def unpack(*columns: str) -> pl.DataFrame:
        """Unpack parallel lists into rows."""
        return packed.select("id", *columns).explode(*columns, keep_nulls=False, empty_as_null=False)

    return Known(
        packed.select(list(IDENTITIES)).sort("id"),
        unpack("account", "tenure", "member").select(list(MEMBERS)).sort("id", "account"),
        unpack("signal", "bits").select(list(SIGNALS)).sort("id", "signal"),
    )
