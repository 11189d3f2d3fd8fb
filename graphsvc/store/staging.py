"""Build the rows that a run publishes, and read what is published already."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from graphsvc.model.graph import SignalGraph
from graphsvc.model.lineage import Followed
from graphsvc.statements import load_text
from graphsvc.store.connection import Store

PLACES = 200
"""Strongest links of a cluster that can be queried by rank."""
NO_VERSION = 0
"""Version of links that were written before links had one, and of a member at which none begin."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Relationships of clusters, as the statements write them.

    Row numbers are replaced by ids, since the database knows no positions. Each frame has `cluster` (lasting id), and
    is sorted by it, in the order of ranks.

    Attributes:
        members: with since when, and the version of the links that begin there (`compute_versions`).
        former: recent members that are not in the cluster now.
        shares: signals that hold a cluster together.
        links: strongest links inside clusters, with their version.
        fresh_links: those that the database does not have yet.
    """

    members: pl.DataFrame
    former: pl.DataFrame
    shares: pl.DataFrame
    links: pl.DataFrame
    fresh_links: pl.DataFrame

    def list_versions(self) -> list[int]:
        """List the versions of all links."""
        return self.members["version"].drop_nulls().unique().to_list()


def build_evidence(
    graph: SignalGraph, followed: Followed, published: pl.DataFrame, now: datetime
) -> Evidence:
    """Build the relationships of clusters.

    Args:
        graph: the input of the run.
        followed: its clusters under lasting ids.
        published: members before, as `read_memberships` gives them.
        now: moment since when new members belong to their cluster.
    """
    found = followed.found
    ids = found.clusters["id"]
    account_ids = graph.accounts["id"]
    members = found.members.select(
        cluster=ids.gather(found.members["cluster"]),
        account=account_ids.gather(found.members["account"]),
        membership="membership",
        bits="bits",
        families="families",
        family_bits="family_bits",
        signals=list_signal_keys(found.members["signals"], found.keys),
        sharers="sharers",
        strongest=_find_strongest(found.members, found.keys),
    )
    # Members with their tenure, and recent members that are not in the cluster now.
    lasting = followed.known.members.join(ids.to_frame("id"), on="id", how="semi").rename({"id": "cluster"})
    # One that was there in all runs, or came with this one, has none: readers take that for 1.
    tenure = lasting.filter(pl.col("member") & (pl.col("tenure") < 1)).select("cluster", "account", "tenure")
    members = members.join(tenure, on=["cluster", "account"], how="left", maintain_order="left")
    shared = found.shared.select(
        cluster=ids.gather(found.shared["cluster"]),
        signal=found.keys.gather(found.shared["signal"]),
        rank="rank",
        accounts="accounts",
        share="share",
        bits="bits",
    )
    links = found.links.select(
        source=account_ids.gather(found.links["source"]),
        target=account_ids.gather(found.links["target"]),
        bits="bits",
        families="families",
        family_bits="family_bits",
        signals=list_signal_keys(found.links["signals"], found.keys),
    )
    order = pl.DataFrame({"cluster": ids}).with_row_index("order")

    def sort_by_rank(frame: pl.DataFrame) -> pl.DataFrame:
        """Sort rows by the ranks of their clusters; rows of a cluster stay in order."""
        ranked = frame.join(order, on="cluster", how="left", maintain_order="left")
        return ranked.sort("order", maintain_order=True).drop("order")

    links = sort_by_rank(_rank_links(links, members))
    versions = compute_versions(links)
    links = links.join(versions.rename({"account": "source"}), on="source", how="left", maintain_order="left")
    before = published.select("cluster", "account", "since")
    members = (
        members.join(versions, on="account", how="left", maintain_order="left")
        .join(before, on=["cluster", "account"], how="left", maintain_order="left")
        .with_columns(pl.col("since").fill_null(int(now.timestamp() * 1000)))
    )
    # The version tells the cluster too, so links of an account that moved are new.
    known = published.select("version", source="account").drop_nulls()
    former = lasting.filter(~pl.col("member")).select("cluster", "account", "tenure")
    return Evidence(
        sort_by_rank(members),
        sort_by_rank(former),
        sort_by_rank(shared),
        links,
        links.join(known, on=["source", "version"], how="anti", maintain_order="left"),
    )


def compute_versions(links: pl.DataFrame) -> pl.DataFrame:
    """Compute for each account that links begin at the version of these links: a hash of all that is written of them.

    Args:
        links: as `build_evidence` gives them.

    Returns:
        account, version (int64).
    """
    form = hashlib.sha256(load_text("publish/links").encode())
    hashes: dict[str, Any] = {}
    # As text, since hashes of rows differ between versions of polars.
    ordered = links.sort("source", "target")
    for source, row in zip(ordered["source"], ordered.write_ndjson().splitlines(), strict=True):
        if source not in hashes:
            hashes[source] = form.copy()
        hashes[source].update(row.encode())
    versions = [int.from_bytes(found.digest()[:8], signed=True) for found in hashes.values()]
    return pl.DataFrame(
        {"account": list(hashes), "version": versions}, schema={"account": pl.String, "version": pl.Int64}
    )


def read_memberships(store: Store) -> pl.DataFrame:
    """Read the members of the last cluster of each identity.

    Returns:
        cluster, account, since (ms since 1970),
        version (of the published links that begin at the account; null: none).

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    schema = {"account": pl.String, "since": pl.Int64, "version": pl.Int64}
    packed = pl.DataFrame(
        store.read("publish/memberships"),
        schema={"cluster": pl.String, **{name: pl.List(kind) for name, kind in schema.items()}},
    )
    return packed.explode(*schema, keep_nulls=False, empty_as_null=False).with_columns(
        version=pl.col("version").replace(NO_VERSION, None)
    )


def list_signal_keys(signals: pl.Series, keys: pl.Series) -> pl.Series:
    """Return lists of keys for lists of row numbers; '' for -1, since lists in Neo4j hold no nulls.

    It explodes the lists. A list expression over another column would copy all keys for every row.
    """
    rows = pl.DataFrame({"signal": signals}).with_row_index("row")
    named = (
        # Without nulls for empty lists, so that a row without signals gets no key.
        rows.explode("signal", empty_as_null=False)
        .with_columns(key=pl.lit(keys.extend_constant("", 1)).gather("signal"))
        .group_by("row", maintain_order=True)
        .agg("key")
    )
    return rows.join(named, on="row", how="left", maintain_order="left")["key"].fill_null([])


def _find_strongest(members: pl.DataFrame, keys: pl.Series) -> pl.Series:
    """Return the key of the signal whose family adds most to each membership; '' where none adds."""
    rows = members.select("signals", "family_bits").with_row_index("row")
    best = (
        rows.explode("signals", "family_bits", empty_as_null=False)
        .filter(pl.col("signals") >= 0, pl.col("family_bits") > 0)
        .group_by("row")
        # Of equal families the first.
        .agg(pl.col("signals").get(pl.col("family_bits").arg_max()))
    )
    strongest = rows.select("row").join(best, on="row", how="left", maintain_order="left")["signals"]
    return keys.gather(strongest).fill_null("")


def _rank_links(links: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return links with their `cluster`, and their `place` among its strongest, from 1; null beyond `PLACES`."""
    place = pl.int_range(1, pl.len() + 1).over("cluster")
    return (
        links.join(members.select("cluster", source="account"), on="source", how="left")
        # Ends decide between equal bits, so that ranks are the same each time.
        .sort("bits", "source", "target", descending=[True, False, False])
        .with_columns(place=pl.when(place <= PLACES).then(place))
    )
