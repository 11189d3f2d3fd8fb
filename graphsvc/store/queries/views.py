"""Statements of graphs to draw and of paths, and the types of their rows."""

from dataclasses import dataclass
from typing import Annotated

from graphsvc.model.clusters import Group
from graphsvc.model.rows import Column
from graphsvc.store.connection import Row
from graphsvc.store.queries.nodes import Signal
from graphsvc.store.queries.query import Query, read_signal


@dataclass(frozen=True, slots=True)
class DrawnAccount:
    """An account to be drawn; `cluster`, `membership`: None in no cluster; `in_all`: members of a cluster or group."""

    id: str
    status: str
    cluster: str | None
    membership: float | None
    in_all: int | None


@dataclass(frozen=True, slots=True)
class DrawnSignal:
    """A signal to be drawn.

    Attributes:
        key: its key.
        kind: its kind.
        degree: accounts that use it.
        hub: whether these are too many to be drawn.
        accounts: ids of those that are drawn.
        bits: of sharing it in a cluster; None around an account.
        in_all: signals that the cluster shares, or that the account uses.
    """

    key: str
    kind: str
    degree: int
    hub: bool
    accounts: list[str]
    bits: float | None
    in_all: Annotated[int, Column(lambda row: row["uses"] if "uses" in row else row["in_all"])]


@dataclass(frozen=True, slots=True)
class GroupLink:
    """Links between two drawn groups: their number, and the bits of the strongest."""

    source: str
    target: str
    bits: float
    links: int


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


ACCOUNTS = Query("view/accounts", DrawnAccount)
COMMON = Query("view/common", CommonUse)
EGO = Query("view/ego", DrawnSignal)
GROUPS = Query("view/groups", Group)
GROUP_LINKS = Query("view/group_links", GroupLink)
LINKS = Query("view/links", PublishedLink)
MEMBERS = Query("view/members", DrawnAccount)
SHARED = Query("view/shared", DrawnSignal)
STEPS = Query("view/steps", SignalUsers)
