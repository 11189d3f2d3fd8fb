"""What runs found, made by hand: clusters as sets of accounts and of signals, followed from day to day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from graphsvc.lineage.follow import follow
from graphsvc.model.clusters import CLUSTERS, LINKS, MEMBERS, SHARED, Assessment, Found, cluster_id
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.model.lineage import Known


def names(prefix: str, count: int, start: int = 0) -> list[str]:
    """`count` names that begin alike."""
    return [f"{prefix}{number:05}" for number in range(start, start + count)]


@dataclass(frozen=True, slots=True)
class Ring:
    """A cluster of one day: ids of accounts, bits of the signals that hold it together by key, and what it is."""

    accounts: Sequence[str]
    signals: Mapping[str, float] = field(default_factory=dict)
    assessment: Assessment = Assessment.CAMPAIGN


def found(rings: Iterable[Ring]) -> tuple[Found, SignalGraph]:
    """`rings` as a run finds them, in their order; likely businesses come last."""
    rings = list(rings)
    ids = sorted({account for ring in rings for account in ring.accounts})
    keys = sorted({key for ring in rings for key in ring.signals})
    account = {each: number for number, each in enumerate(ids)}
    signal = {each: number for number, each in enumerate(keys)}
    clusters = [
        {
            "cluster": number, "id": cluster_id(list(ring.accounts)), "size": len(ring.accounts),
            "score": 0.9 if ring.assessment is Assessment.CAMPAIGN else 0.1, "coordination": 0.95,
            "assessment": ring.assessment.value,
            "bits": 1.0, "families": ["payment"], "first_seen": 0, "last_seen": 0, "summary": "", "parts": "[]",
            "rank": number + 1,
        }
        for number, ring in enumerate(rings)
    ]  # fmt: skip
    members = [
        {
            "cluster": number, "account": account[each], "membership": 0.9, "bits": 1.0, "families": ["payment"],
            "family_bits": [1.0], "signals": [-1], "sharers": [0],
        }
        for number, ring in enumerate(rings)
        for each in ring.accounts
    ]  # fmt: skip
    shared = [
        {"cluster": number, "signal": signal[key], "rank": rank, "accounts": 2, "share": 0.5, "bits": bits}
        for number, ring in enumerate(rings)
        for rank, (key, bits) in enumerate(ring.signals.items(), start=1)
    ]
    nothing, no_times = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
    people = pl.DataFrame({"id": ids}, schema={"id": pl.String}).select(
        "id", created_at=pl.lit(0, dtype=pl.Int64), status=pl.lit("active"),
        status_changed_at=pl.lit(-1, dtype=pl.Int64), plan=pl.lit(""), country=pl.lit(""),
    )  # fmt: skip
    assert dict(people.schema) == ACCOUNT_COLUMNS
    values = pl.DataFrame({"key": keys}, schema={"key": pl.String}).with_columns(
        *(pl.lit("").alias(name) for name in SIGNAL_COLUMNS if name != "key")
    )
    graph = SignalGraph(
        people, values, nothing, nothing, no_times, no_times, pl.DataFrame(schema=ACTIVITY_COLUMNS)
    )
    what = Found(
        pl.DataFrame(clusters, schema=CLUSTERS),
        pl.DataFrame(members, schema=MEMBERS),
        pl.DataFrame(shared, schema=SHARED),
        pl.DataFrame(schema=LINKS),
        values["key"],
    )
    return what, graph


class Life:
    """Follows days of rings; `ids` are those of the last day, in the order of its rings."""

    def __init__(self) -> None:
        self.known = Known.create_empty()
        self.ids: list[str] = []
        self.events: list[tuple[str, str | None, str]] = []

    def day(self, *rings: Ring | Sequence[str]) -> list[tuple[str, str | None, str]]:
        """One more day. Returns its events as (id, before, kind), sorted."""
        today = [ring if isinstance(ring, Ring) else Ring(ring) for ring in rings]
        followed = follow(*found(today), self.known)
        self.known = followed.known
        self.ids = followed.found.clusters["id"].to_list()
        self.events = followed.events.select("id", "before", "kind").rows()
        self.says = dict(zip(self.events, followed.events["says"], strict=True))
        return self.events

    def kinds(self) -> list[str]:
        """Kinds of the last day's events, sorted."""
        return sorted(kind for _, _, kind in self.events)

    def state(self, identity: str) -> str:
        """State of an identity now."""
        return str(self.known.identities.filter(pl.col("id") == identity)["state"].item())
