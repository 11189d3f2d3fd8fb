"""Place addresses: give each the class of the narrowest known network that holds it."""

import hashlib

import polars as pl

from graphsvc.intake.networks import assign_networks
from graphsvc.store.connection import Store
from graphsvc.store.loads import BATCH
from graphsvc.types import Progress, ignore_progress


def place_addresses(store: Store, number: int, progress: Progress = ignore_progress) -> int:
    """Give every address the class of the narrowest named network that holds it, else of its autonomous system.

    Only changed addresses are written, marked with the load's `number`. Return their count.
    """
    networks = _read_networks(store)
    by = _hash_networks(networks)
    last = store.read("load/placed_by")
    # The networks may come from any bundle. Addresses that no load has touched since are skipped only while
    # the networks are unchanged.
    whole = store.read("detect/watermark") if last and last[0]["networks"] == by else []
    found = (
        store.stream("load/unplaced_since", after=whole[0]["number"])
        if whole
        else store.stream("load/unplaced")
    )
    schema = {"key": pl.String, "value": pl.String, "class": pl.String, "network": pl.String, "asn": pl.Int64}
    addresses = pl.DataFrame(list(found), schema=schema, orient="row")
    placed = assign_networks(addresses["value"], addresses["asn"], networks)
    changed = addresses.select("key", was="class", named="network").with_columns(
        placed["class"], placed["network"]
    )
    changed = changed.filter(
        pl.col("class").ne_missing(pl.col("was")) | pl.col("network").ne_missing(pl.col("named"))
    ).select("key", "class", "network")
    for start in range(0, changed.height, BATCH):
        rows = changed.slice(start, BATCH).to_dict(as_series=False)
        store.write("load/place", **rows, number=number)
        progress("network classes", min(start + BATCH, changed.height), changed.height)
    store.write("load/placed", networks=by)
    return changed.height


def record_placing(store: Store) -> None:
    """Record that all addresses are placed by the present networks."""
    store.write("load/placed", networks=_hash_networks(_read_networks(store)))


def _read_networks(store: Store) -> pl.DataFrame:
    schema = {"cidr": pl.String, "asn": pl.Int64, "name": pl.String, "class": pl.String}
    return pl.DataFrame(store.read("load/known_networks"), schema=schema).sort("cidr", "asn")


def _hash_networks(networks: pl.DataFrame) -> str:
    return hashlib.sha256(networks.write_json().encode()).hexdigest()[:24]
