"""Statements of graphs to draw and of paths, and the types of their rows."""

from dataclasses import dataclass, field
from typing import Annotated

from graphsvc.model.clusters import Group
from graphsvc.model.rows import Column
from graphsvc.signals.kinds import family_of
from graphsvc.store.connection import Row
from graphsvc.store.queries.nodes import Signal
from graphsvc.store.queries.query import Query, read_signal


@dataclass(frozen=True, slots=True)
class GraphNode:
    """Something to be drawn."""

    id: Annotated[
        str,
        Column(lambda row: row["key"] if "key" in row else row["id"]),
        "Id of the account, or key of the signal or group; empty: members of no group.",
    ]
    kind: Annotated[str, Column(lambda row: "signal" if "key" in row else "account"), "Its kind."]
    family: Annotated[
        str | None,
        Column(lambda row: family_of(row["kind"]) if "kind" in row else None),
        "Of a signal or group: its family.",
    ] = None
    size: Annotated[
        int,
        Column(lambda row: row.get("degree", 1)),
        "Of a group its accounts, of a signal all accounts that use it.",
    ] = 1
    is_hub: Annotated[
        bool,
        Column(lambda row: row.get("hub", False)),
        "A signal of so many accounts that they are not drawn: it is folded into this node.",
    ] = False
    status: Annotated[str | None, "Of an account: active, suspended, banned, closed."] = None
    cluster_id: Annotated[str | None, Column("cluster"), "Of an account: its published cluster."] = None
    membership: Annotated[
        float | None, "Of an account how surely it belongs, of a group the mean; 0 to 1."
    ] = None
    bits: Annotated[float | None, "Of a signal: what sharing it says, in bits."] = None
    accounts: list[str] = field(default_factory=list)
    """Of a signal: ids of its accounts that may be drawn."""
    in_all: Annotated[int, Column(lambda row: row.get("in_all", row.get("uses", 0)))] = 0
    """Members or signals from which the drawn ones were chosen."""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A line between two nodes."""

    source: Annotated[str, "`id` of a node."]
    target: Annotated[str, "`id` of the other."]
    kind: Annotated[str, Column(lambda _: "linked"), "Its kind."]
    bits: Annotated[float | None, "Of a link: its evidence; between groups the strongest."] = None
    links: Annotated[int, "How many links it stands for."] = 1


@dataclass(frozen=True, slots=True)
class PublishedLink:
    """A link of a cluster; `row` has the parallel lists of its evidence."""

    source: str
    target: str
    bits: float
    row: Annotated[Row, Column(lambda row: row)]


@dataclass(frozen=True, slots=True)
class CommonUse:
    """A signal that both of two accounts use."""

    in_all: int
    signal: Annotated[Signal, Column(read_signal), "The signal; `rarity` says what sharing it says."]
    is_hub: Annotated[bool, Column("hub"), "Whether so many use it that it makes no link by itself."]


@dataclass(frozen=True, slots=True)
class SignalUsers:
    """Key of a signal, and the ids of its accounts."""

    key: str
    accounts: list[str]


ACCOUNTS = Query("view/accounts", GraphNode)
COMMON = Query("view/common", CommonUse)
EGO = Query("view/ego", GraphNode)
GROUPS = Query("view/groups", Group)
GROUP_LINKS = Query("view/group_links", GraphEdge)
LINKS = Query("view/links", PublishedLink)
MEMBERS = Query("view/members", GraphNode)
SHARED = Query("view/shared", GraphNode)
STEPS = Query("view/steps", SignalUsers)
