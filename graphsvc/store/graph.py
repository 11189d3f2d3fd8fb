"""Read the account–signal graph from Neo4j as columns: in full, or only what loads wrote since the last reading."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.columns import Schema
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph, Watermark
from graphsvc.model.merge import merge_graphs
from graphsvc.signals.kinds import kind_of
from graphsvc.store.connection import Store
from graphsvc.store.packs import Record, build_frame, stream_packs
from graphsvc.types import Ints, Progress, ignore_progress

NODES_A_PACK = 10_000
"""Accounts or signals in a record."""
ACCOUNTS_A_PACK = 1_000
"""Accounts in a record of edges: some ten thousand edges."""

Ranks = NDArray[np.int32]
Number = TypeVar("Number", np.int32, np.int64)


@dataclass(frozen=True, slots=True)
class KeptGraph:
    """A graph read before: the run or load that kept it, its fingerprint, and the load up to which it was read."""

    graph: SignalGraph
    watermark: Watermark
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of a reading.

    Attributes:
        graph: as columns.
        watermark: load from which the next reading can continue; None if no load has a number, or the first
            of them is still open.
        accounts: number of accounts read; fewer than all if the rest was kept.
        why: reason for a full reading although a kept graph was given, else ''.
        kept: the graph that was given, if it is still the graph.
    """

    graph: SignalGraph
    watermark: Watermark | None
    accounts: int
    why: str = ""
    kept: KeptGraph | None = None


def read_graph(store: Store, progress: Progress = ignore_progress) -> SignalGraph:
    """Read the graph in full.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    return read_graph_since(store, progress).graph


def read_graph_since(
    store: Store,
    progress: Progress = ignore_progress,
    base: KeptGraph | None = None,
) -> Reading:
    """Read the graph; with `base`, only the accounts and signals that loads wrote to since.

    Both ways give the same columns if only loads change the graph. Any other change shows in the numbers of
    accounts, signals, edges a type and months of traffic. Then the graph is read in full. What a load writes
    meanwhile may be included or not; the next reading reads it again.

    Args:
        store: the database.
        progress: called with the stage, rows done and rows in all; may raise.
        base: graph kept by an earlier reading.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    # The watermark first: a load that ends meanwhile is then read again next time, never skipped.
    watermark = read_watermark(store)
    why = ""
    if base is not None:
        after = base.watermark
        # A number alone is not enough: after a restore from a backup, another load may have it.
        if store.read("detect/same_load", number=after.number, load=after.load):
            accounts = _read_nodes(store, "detect/touched_accounts", after=after.number)
            touched = _read_nodes(store, "detect/touched_signals", after=after.number)
            graph = base.graph
            if len(accounts) or len(touched):
                graph = merge_graphs(graph, _read_part(store, progress, accounts, touched, whole=False))
            # Deletions and changes by hand leave no load. Counts reveal them, at the price of a few lookups
            # in the count store.
            if _count_stored(store) == _count_graph(graph):
                kept = base if graph is base.graph else None
                return Reading(graph, watermark, len(accounts), kept=kept)
            why = "the graph was changed by something else than loads"
        else:
            why = "the load up to which it was kept is not there as it was"
    accounts = _read_nodes(store, "detect/account_nodes")
    graph = _read_part(store, progress, accounts, _read_nodes(store, "detect/signal_nodes"), whole=True)
    return Reading(graph, watermark, len(accounts), why)


def read_watermark(store: Store) -> Watermark | None:
    """Read the load up to which the graph is complete; None if there is none."""
    rows = store.read("detect/watermark")
    return Watermark(rows[0]["number"], rows[0]["load"]) if rows else None


def count_nodes(store: Store) -> dict[str, int]:
    """Count what a run would read: accounts, signals and months of activity."""
    counts: dict[str, int] = store.read("detect/counts")[0]
    return counts


def count_accounts(store: Store) -> int:
    """Count the accounts."""
    return int(store.read("maintenance/count_accounts")[0]["accounts"])


def _count_stored(store: Store) -> dict[str, int]:
    """Count what the database holds, edges by type."""
    edges = {row["type"]: row["edges"] for row in store.read("detect/edge_counts") if row["edges"]}
    return {**count_nodes(store), **edges}


def _count_graph(graph: SignalGraph) -> dict[str, int]:
    """Count what `_count_stored` would give for the database that `graph` was read from."""
    kinds = graph.signals["kind"].unique().sort()
    # `bincount` over codes: a group by on text would copy a column as long as all edges.
    codes = kinds.search_sorted(graph.signals["kind"]).to_numpy()
    edges: dict[str, int] = {}
    for name, count in zip(kinds, np.bincount(codes[graph.signal], minlength=kinds.len()), strict=True):
        relationship = kind_of(name).relationship
        edges[relationship] = edges.get(relationship, 0) + int(count)
    # The database has one node for each account and month of activity, so months are what can be compared.
    month = (pl.col("hour") // 24).cast(pl.Date).dt.month_start()
    months = graph.activity.select(pl.struct("account", month).n_unique()).item()
    return {
        "accounts": graph.accounts.height,
        "signals": graph.signals.height,
        "edges": len(graph.account),
        "months": months,
        **{kind: count for kind, count in edges.items() if count},
    }


def _read_nodes(store: Store, name: str, **parameters: int) -> Ints:
    """Read the ids of nodes, which the statement gives in packs; int64."""
    return _flatten(pack for _, pack in store.stream(name, **parameters))


def _read_part(
    store: Store, progress: Progress, account_nodes: Ints, signal_nodes: Ints, *, whole: bool
) -> SignalGraph:
    """Read some accounts with all their edges, some signals, and all signals that these accounts use.

    Args:
        store: the database.
        progress: called with the stage, rows done and rows in all.
        account_nodes: node ids of the accounts, int64.
        signal_nodes: node ids of the signals, int64.
        whole: whether `signal_nodes` are all signals. Then they are read first, and each pack of edges is
            sorted as it arrives.
    """
    accounts = _read_frame(
        store, progress, "detect/accounts", account_nodes, {"node": pl.Int64, **ACCOUNT_COLUMNS}
    )
    accounts = accounts.sort("id")
    nodes = accounts["node"].to_numpy()
    # Node ids are dense in Neo4j, so a table by id is smaller and faster than a hash map or a join.
    account_ranks = build_ranks(nodes)
    packs = [nodes[at : at + ACCOUNTS_A_PACK] for at in range(0, len(nodes), ACCOUNTS_A_PACK)]

    def stream_records(name: str) -> Iterable[tuple[int, Record]]:
        """Stream records with the number of their pack, in any order."""
        for done, record in enumerate(stream_packs(store, name, packs), 1):
            yield record[0], record[1:]
            progress(
                f"read {name.removeprefix('detect/')}", min(done * ACCOUNTS_A_PACK, len(nodes)), len(nodes)
            )

    def read_signals(nodes: Ints) -> tuple[pl.DataFrame, Ranks]:
        """Read signals sorted by key, and the rank of each node id."""
        schema = {"node": pl.Int64, **SIGNAL_COLUMNS}
        signals = _read_frame(store, progress, "detect/signals", nodes, schema).sort("key")
        return signals.drop("node"), build_ranks(signals["node"].to_numpy())

    nothing = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
    # Records arrive in any order. Each goes to the place of its pack, so that the result does not depend on
    # timing.
    edges = [nothing] * (len(packs) or 1)
    if whole:
        signals, signal_ranks = read_signals(signal_nodes)
        for number, record in stream_records("detect/edges"):
            edges[number] = sort_edges(_parse_edges(record), account_ranks, signal_ranks)
    else:
        # Only the edges tell which signals the accounts use, so they are kept unsorted until these are read.
        raw = {number: _parse_edges(record) for number, record in stream_records("detect/edges")}
        used = [pack[1] for pack in raw.values()]
        signals, signal_ranks = read_signals(np.unique(np.concatenate([signal_nodes, *used])))
        for number, pack in raw.items():
            edges[number] = sort_edges(pack, account_ranks, signal_ranks)
    pieces = (
        [pack[0] for pack in edges],
        [pack[1] for pack in edges],
        [pack[2] for pack in edges],
        [pack[3] for pack in edges],
    )
    # Free each form of the edges as soon as the next one exists: they are most of the memory.
    edges.clear()
    uses = _join_pieces(pieces[0]), _join_pieces(pieces[1]), _join_pieces(pieces[2]), _join_pieces(pieces[3])
    # At least one frame, since `concat` refuses an empty list.
    activity = [pl.DataFrame(schema=ACTIVITY_COLUMNS)] * (len(packs) or 1)
    for number, record in stream_records("detect/activity"):
        activity[number] = _parse_activity(record, account_ranks)
    return SignalGraph(
        accounts.drop("node"),
        signals,
        *uses,
        pl.concat(activity, rechunk=True),
    )


def _read_frame(store: Store, progress: Progress, name: str, nodes: Ints, schema: Schema) -> pl.DataFrame:
    """Read one row a node, in any order, converted to columns pack by pack."""
    packs = [nodes[at : at + NODES_A_PACK] for at in range(0, len(nodes), NODES_A_PACK)]
    frames = [pl.DataFrame(schema=schema)]
    rows = 0
    for record in stream_packs(store, name, packs):
        frames.append(build_frame([record], schema))
        rows += frames[-1].height
        progress(f"read {name.removeprefix('detect/')}", rows, len(nodes))
    return pl.concat(frames)


def _parse_edges(record: Record) -> tuple[Ints, Ints, Ints, Ints]:
    """Return account, signal (node ids), first_seen, last_seen of one record of `detect/edges`; int64."""
    accounts, signals, first_seen, last_seen = record
    degrees = [len(each) for each in signals]
    return (
        np.repeat(np.array(accounts, dtype=np.int64), degrees),
        _flatten(signals, sum(degrees)),
        _flatten(first_seen, sum(degrees)),
        _flatten(last_seen, sum(degrees)),
    )


def sort_edges(
    edges: tuple[Ints, Ints, Ints, Ints], account_ranks: Ranks, signal_ranks: Ranks
) -> tuple[Ranks, Ranks, Ints, Ints]:
    """Return edges by rank instead of node id, sorted by account, then signal.

    Edges to signals that a load created after signals were read are left out.
    """
    account, signal = find_ranks(account_ranks, edges[0]), find_ranks(signal_ranks, edges[1])
    # The last key of `lexsort` is the primary one.
    order = np.lexsort((signal, account))
    order = order[signal[order] >= 0]
    return account[order], signal[order], edges[2][order], edges[3][order]


def _parse_activity(record: Record, account_ranks: Ranks) -> pl.DataFrame:
    """Return one record of `detect/activity` in the schema `ACTIVITY_COLUMNS`, sorted."""
    accounts, hours, models, requests = record
    lengths = [len(each) for each in hours]
    return pl.DataFrame(
        {
            "account": np.repeat(find_ranks(account_ranks, np.array(accounts, dtype=np.int64)), lengths),
            "hour": _flatten(hours, sum(lengths)),
            "model": list(chain.from_iterable(models)),
            "requests": _flatten(requests, sum(lengths)),
        },
        schema=ACTIVITY_COLUMNS,
    ).sort("account", "hour", "model")


def _join_pieces(pieces: list[NDArray[Number]]) -> NDArray[Number]:
    """Join the pieces into one array and free them, so that only one column of the graph is held twice."""
    whole = np.concatenate(pieces)
    pieces.clear()
    return whole


def _flatten(lists: Iterable[Iterable[int]], count: int = -1) -> Ints:
    """Flatten lists of numbers into one array; `count`: their total length, -1 = not known."""
    return np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=count)


def build_ranks(nodes: Ints) -> Ranks:
    """Build a table from node id to position in the sorted frame; int32, -1 = not there."""
    table = np.full(int(nodes.max()) + 1 if len(nodes) else 0, -1, dtype=np.int32)
    table[nodes] = np.arange(len(nodes), dtype=np.int32)
    return table


def find_ranks(ranks: Ranks, nodes: Ints) -> Ranks:
    """Look up the ranks of node ids; -1 for an id beyond the table."""
    found = np.full(len(nodes), -1, dtype=np.int32)
    known = nodes < len(ranks)
    found[known] = ranks[nodes[known]]
    return found
