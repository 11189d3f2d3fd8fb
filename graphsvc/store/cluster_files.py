"""Published clusters as files, next to the graph that their run read: what members use, who else does, and answers.

A file belongs to a run and never changes. It lies in the directory of the run's snapshot, so it goes when that goes:
when the run is pruned, when an account that the run read is forgotten, and when old data are removed.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from graphsvc.campaigns.cluster_evidence import MEMBERS, SIGNALS, ClusterEvidence
from graphsvc.campaigns.surroundings import NEAR, USERS, mark_hubs
from graphsvc.errors import ExportError, NotFound
from graphsvc.files import open_draft, write_atomically
from graphsvc.linkage.transience import find_brief, is_usual
from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import kind_of
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.connection import Store
from graphsvc.store.packs import build_frame
from graphsvc.store.queries.query import Query
from graphsvc.store.snapshots import Snapshots

Answer = TypeVar("Answer")

MOST_BYTES = 512 << 20
"""Bytes of the files of a run. A cluster of 24,000 accounts takes some 12 MB, one of twenty some 20 kB."""
MOST_FILES = 10_000
"""Files of a run: each question about a cluster has one, and numbers in questions can be any."""
_INFRASTRUCTURE = frozenset(("PaymentInstrument", "IpAddress", "Device", "Phone"))
"""Labels of signals whose other users an action on accounts may touch: those of `cluster/near`."""
_NEAR: Schema = {name: of for name, of in NEAR.items() if name != "inside"}


@dataclass(frozen=True, slots=True)
class PublishedCluster:
    """A cluster, and the run that published it.

    Attributes:
        id: of the cluster.
        run: id.
        business: whether it is a likely business.
    """

    id: str
    run: str
    business: bool


PUBLISHED_CLUSTER = Query("cluster/published", PublishedCluster)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The infrastructure that members use, and all its users.

    Attributes:
        near: schema `NEAR` without `inside`, sorted by signal.
        member: row of the member of each use, int32.
        signal: row of the signal of each use, int32, parallel.
        user: users of signals that are no hubs: `place` (row of the signal), `account` (id).
    """

    near: pl.DataFrame
    member: NDArray[np.int32]
    signal: NDArray[np.int32]
    users: pl.DataFrame

    def select(self, members: NDArray[np.bool_]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Select what some members use (bool, one a member), as `surroundings.read_surroundings` reads it."""
        inside = np.bincount(self.signal[members[self.member]], minlength=self.near.height)
        near = self.near.with_columns(inside=pl.Series(inside, dtype=pl.Int64)).select(list(NEAR))
        used = pl.Series(inside > 0)
        # Where only these members use a signal, an action on it reaches no other account.
        wanted = used & ~pl.Series(mark_hubs(near)) & (near["degree"] > near["inside"])
        users = self.users.filter(wanted.gather(self.users["place"]))
        return near.filter(used), users.select(
            signal=near["signal"].gather(users["place"]), account="account"
        ).select(list(USERS))


def name_question(name: str, asked: bytes) -> str:
    """Return the name of a question with its parameters, as a file can have it."""
    # 128 bits of the hash: two questions never share a file.
    return f"{name}-{hashlib.sha256(asked).hexdigest()[:32]}"


class ClusterFiles:
    """Reads published clusters from the snapshot of their run, and keeps what it made of it.

    Without a snapshot (`GRAPHSVC_KEEP_RUNS=0`, or after an account was forgotten) the database is read each time.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def find_cluster(self, store: Store, cluster: str) -> PublishedCluster:
        """Find a published cluster.

        Raises:
            NotFound: no such cluster is published.
            DatabaseUnavailable, DatabaseRefused
        """
        rows = store.read(PUBLISHED_CLUSTER.statement, id=cluster)
        if not rows:
            raise NotFound(
                f"No cluster {cluster} is published.",
                "`graphsvc export clusters --out clusters.csv` lists those that are.",
            )
        return PUBLISHED_CLUSTER.parse(rows[0])

    def load_evidence(self, store: Store, cluster: PublishedCluster) -> ClusterEvidence:
        """Load a cluster with all that its members share, with statuses as they were when it was first loaded.

        Raises:
            NotFound: the cluster is no longer published.
            DatabaseUnavailable, DatabaseRefused
        """
        found = self._load(store, cluster)
        return found[0] if found is not None else read_cluster_evidence(store, cluster.id)

    def load_surroundings(
        self, store: Store, cluster: PublishedCluster
    ) -> tuple[ClusterEvidence, Surroundings] | None:
        """Load a cluster with the statuses of now, and what is around it; None: it must be read from the database.

        Raises:
            NotFound: the cluster is no longer published.
            DatabaseUnavailable, DatabaseRefused
        """
        found = self._load(store, cluster)
        if found is None:
            return None
        evidence, around = found
        # Statuses change after the run, and the file keeps those of its first reading.
        members = _read_members(store, cluster.id)
        if not members["id"].equals(evidence.members["id"]):
            return None  # a run has just been published, or an account is being forgotten
        return replace(evidence, members=members), around

    def answer(
        self, cluster: PublishedCluster, question: str, kind: type[Answer], compute: Callable[[], Answer]
    ) -> Answer:
        """Return the answer to a question about a cluster: as it was kept, or computed and kept.

        Args:
            cluster: that is asked about.
            question: name of a file.
            kind: type of the answer.
            compute: finds it.
        """
        found = self.find_answer(cluster, question, kind)
        if found is None:
            found = compute()
            self.keep_answer(cluster, question, kind, found)
        return found

    def find_answer(self, cluster: PublishedCluster, question: str, kind: type[Answer]) -> Answer | None:
        """Return the answer that was kept; None: there is none, or it is damaged."""
        try:
            return TypeAdapter(kind).validate_json(self._find_path(cluster, f"{question}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def keep_answer(
        self, cluster: PublishedCluster, question: str, kind: type[Answer], answer: Answer
    ) -> None:
        """Keep an answer, unless the run's snapshot is gone."""
        path = self._find_path(cluster, f"{question}.json")
        self._keep(path, lambda: write_atomically(path, TypeAdapter(kind).dump_json(answer)))

    def _load(self, store: Store, cluster: PublishedCluster) -> tuple[ClusterEvidence, Surroundings] | None:
        path = self._find_path(cluster, "uses.arrow")
        if not path.parent.is_dir():
            return None  # a run of an earlier version, or signals have other keys now
        try:
            return _build_cluster(cluster.id, _read_frames(path))
        except (OSError, pl.exceptions.PolarsError, KeyError):
            pass  # not kept yet, or damaged
        try:
            graph = self._snapshots.load(cluster.run, activity=False)
        except ExportError:
            return None
        members = _read_members(store, cluster.id)
        frames = None if graph is None else _cut_out(graph, members)
        if frames is None:
            return None

        def write() -> None:
            with open_draft(path) as file:
                _pack_frames(frames).write_ipc(file, compression="lz4")

        self._keep(path, write)
        return _build_cluster(cluster.id, frames)

    def _find_path(self, cluster: PublishedCluster, name: str) -> Path:
        return self._snapshots.find_clusters(cluster.run) / f"{cluster.id}.{name}"

    def _keep(self, path: Path, write: Callable[[], object]) -> None:
        """Keep a file, unless its run is gone or the disk is full, and remove the oldest beyond the most."""
        try:
            write()
            files = [(each.stat(), each) for each in path.parent.iterdir()]
        except OSError:
            return  # it is computed again the next time
        left = MOST_BYTES
        newest_first = sorted(files, key=lambda pair: pair[0].st_mtime_ns, reverse=True)
        for place, (stat, each) in enumerate(newest_first):
            left -= stat.st_size
            if left < 0 or place >= MOST_FILES:
                each.unlink(missing_ok=True)


def _read_members(store: Store, cluster: str) -> pl.DataFrame:
    """Read the members of a published cluster (schema `MEMBERS`), sorted by id."""
    found = build_frame(store.stream("cluster/members", id=cluster), {"node": pl.Int64, **MEMBERS})
    return found.drop("node").sort("id")


def _cut_out(graph: SignalGraph, members: pl.DataFrame) -> dict[str, pl.DataFrame] | None:
    """Cut a cluster out of the graph that its run read; None if the graph lacks a member.

    The frames are what `read_cluster_evidence` and `read_surroundings` read of the database.
    """
    rows = members["id"].to_frame().join(
        graph.accounts.select("id", row=pl.int_range(pl.len(), dtype=pl.Int64)),
        on="id", how="left", maintain_order="left",
    )["row"]  # fmt: skip
    if rows.is_empty() or rows.null_count():
        return None
    # Uses are sorted by account: those of a member are a range.
    row = rows.to_numpy()
    first, last = (np.searchsorted(graph.account, row, side) for side in ("left", "right"))
    member = np.repeat(np.arange(len(row), dtype=np.int32), last - first)
    use = np.repeat(first - np.concatenate(([0], np.cumsum(last - first)[:-1])), last - first)
    use = use + np.arange(len(use))
    signal = graph.signal[use]
    degree = np.bincount(graph.signal, minlength=graph.signals.height)
    inside = np.bincount(signal, minlength=graph.signals.height)
    # Only what two members share is evidence; infrastructure of one member can still have other users.
    shared, near = inside > 1, (inside > 0) & _mark_infrastructure(graph.signals["kind"])
    kept, around = shared[signal], near[signal]
    transient = find_brief(graph.first_seen[use[kept]], graph.last_seen[use[kept]])
    # Where brief uses of a kind are usual, one is no sign of a visit.
    transient &= ~_find_usual(graph)[signal[kept]]
    described = graph.signals.with_columns(degree=pl.Series(degree, dtype=pl.Int64))
    close = described.filter(pl.Series(near)).select(
        signal="key", kind="kind", **{"class": "class"}, degree="degree"
    )
    wanted = np.zeros(graph.signals.height, dtype=np.bool_)
    wanted[near] = ~mark_hubs(close.with_columns(inside=0))
    wanted &= degree > 1
    # All users of these, members or not, by signal and then by account.
    others = np.flatnonzero(wanted[graph.signal])
    others = others[np.argsort(graph.signal[others], kind="stable")]
    return {
        "members": members,
        "signals": described.filter(pl.Series(shared)).select(list(SIGNALS)),
        "uses": pl.DataFrame({
            "account": member[kept],
            "signal": _number(shared)[signal[kept]],
            "first_seen": graph.first_seen[use[kept]],
            "last_seen": graph.last_seen[use[kept]],
            "transient": transient,
        }),
        "near": close.select(list(_NEAR)),
        "near_uses": pl.DataFrame({"member": member[around], "signal": _number(near)[signal[around]]}),
        "users": pl.DataFrame({
            "place": _number(near)[graph.signal[others]],
            "account": graph.accounts["id"].gather(graph.account[others]),
        }),
        "about": pl.DataFrame({"population": [graph.accounts.height]}),
    }  # fmt: skip


def _mark_infrastructure(kind: pl.Series) -> NDArray[np.bool_]:
    """Mark the signals of the kinds that an action may touch others by; bool, one a signal."""
    near = [each for each in kind.unique() if kind_of(each).label in _INFRASTRUCTURE]
    return kind.is_in(near).to_numpy()


def _find_usual(graph: SignalGraph) -> NDArray[np.bool_]:
    """Find the signals of kinds that are usually used for less than an hour; bool, one a signal."""
    kinds = graph.signals["kind"].unique().sort()
    number = graph.signals["kind"].replace_strict(kinds, range(len(kinds)), return_dtype=pl.Int32).to_numpy()
    brief = find_brief(graph.first_seen, graph.last_seen)
    uses = np.bincount(number[graph.signal], minlength=len(kinds))
    usual: NDArray[np.bool_] = is_usual(np.bincount(number[graph.signal[brief]], minlength=len(kinds)), uses)[
        number
    ]
    return usual


def _number(which: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the place of each row among those that are kept."""
    return (np.cumsum(which) - 1).astype(np.int32)


def _build_cluster(cluster: str, frames: dict[str, pl.DataFrame]) -> tuple[ClusterEvidence, Surroundings]:
    """Build the columns of a cluster from its frames."""
    uses, near_uses = frames["uses"], frames["near_uses"]
    evidence = ClusterEvidence(
        cluster,
        frames["members"],
        frames["signals"],
        uses["account"].to_numpy(),
        uses["signal"].to_numpy(),
        uses["first_seen"].to_numpy(),
        uses["last_seen"].to_numpy(),
        uses["transient"].to_numpy(),
        frames["about"]["population"].item(),
    )
    return evidence, Surroundings(
        frames["near"], near_uses["member"].to_numpy(), near_uses["signal"].to_numpy(), frames["users"]
    )


def _pack_frames(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Pack frames of different lengths into one of a single row, whose values are the columns as lists."""
    return pl.DataFrame(
        # One file for all frames: a reader sees either all of them or none.
        {f"{name}/{column.name}": column.implode() for name, frame in frames.items() for column in frame}
    )


def _read_frames(path: Path) -> dict[str, pl.DataFrame]:
    """Read frames that `_pack_frames` packed.

    Raises:
        OSError, PolarsError: the file is not there, or damaged.
    """
    packed = pl.read_ipc(path)
    columns: dict[str, list[pl.Series]] = {}
    for column in packed:
        name, _, of = column.name.partition("/")
        columns.setdefault(name, []).append(column.explode().rename(of))
    return {name: pl.DataFrame(of) for name, of in columns.items()}
