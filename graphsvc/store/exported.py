"""Read one published cluster for export, with its addresses redacted or not."""

from dataclasses import dataclass

from graphsvc.errors import NotFound
from graphsvc.signals.veil import Veil
from graphsvc.store.connection import Row, Store


@dataclass(frozen=True, slots=True)
class ExportedCluster:
    """A cluster with its members, shared signals and strongest links, as rows of `export/cluster`.

    `hidden`: number of addresses that are pseudonyms in it.
    """

    cluster: Row
    members: list[Row]
    signals: list[Row]
    links: list[Row]
    hidden: int


def read_cluster(store: Store, cluster: str, veil: Veil | None) -> ExportedCluster:
    """Read a published cluster; with a veil, its addresses become pseudonyms and networks.

    Raises:
        NotFound: no such cluster is published.
        DatabaseUnavailable, DatabaseRefused
    """
    rows = store.read("export/cluster", id=cluster)
    if not rows:
        raise NotFound(
            f"No cluster {cluster} is published.", "`graphsvc export clusters` lists those that are."
        )
    found = veil.redact_rows(rows[0]) if veil is not None else rows[0]
    hidden = sum(row["kind"] == "ip" for row in rows[0]["signals"]) if veil is not None else 0
    return ExportedCluster(**found, hidden=hidden)
