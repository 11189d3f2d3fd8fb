"""A graph to be drawn. Plain fields only: two thousand nodes are built without a resolver or a loader a node."""

from enum import Enum

import strawberry


@strawberry.enum(description="Kinds of nodes.")
class NodeKind(Enum):
    ACCOUNT = strawberry.enum_value("account", description="An account.")
    SIGNAL = strawberry.enum_value("signal", description="A signal.")
    GROUP = strawberry.enum_value(
        "group", description="Members of a cluster that one signal holds most; opens with `within`."
    )


@strawberry.enum(description="Kinds of edges.")
class EdgeKind(Enum):
    USES = strawberry.enum_value("uses", description="The account uses the signal.")
    LINKED = strawberry.enum_value(
        "linked", description="Two accounts, or accounts of two groups, are linked."
    )


@strawberry.type(description="Something to be drawn.")
class GraphNode:
    id: str = strawberry.field(
        description="Id of the account, or key of the signal or group; empty: members of no group."
    )
    kind: NodeKind = strawberry.field(description="Its kind.")
    family: str | None = strawberry.field(default=None, description="Of a signal or group: its family.")
    size: int = strawberry.field(
        default=1, description="Of a group its accounts, of a signal all accounts that use it."
    )
    is_hub: bool = strawberry.field(
        default=False,
        description="A signal of so many accounts that they are not drawn: it is folded into this node.",
    )
    status: str | None = strawberry.field(
        default=None, description="Of an account: active, suspended, banned, closed."
    )
    cluster_id: str | None = strawberry.field(
        default=None, description="Of an account: its published cluster."
    )
    membership: float | None = strawberry.field(
        default=None, description="Of an account how surely it belongs, of a group the mean; 0 to 1."
    )
    bits: float | None = strawberry.field(
        default=None, description="Of a signal: what sharing it says, in bits."
    )


@strawberry.type(description="A line between two nodes.")
class GraphEdge:
    source: str = strawberry.field(description="`id` of a node.")
    target: str = strawberry.field(description="`id` of the other.")
    kind: EdgeKind = strawberry.field(description="Its kind.")
    bits: float | None = strawberry.field(
        default=None, description="Of a link: its evidence; between groups the strongest."
    )
    links: int = strawberry.field(default=1, description="How many links it stands for.")


@strawberry.type(description="Counts of the nodes that are not drawn.")
class LeftOut:
    accounts: int = strawberry.field(description="Accounts.")
    signals: int = strawberry.field(description="Signals.")
    description: str = strawberry.field(description="The selection, and how to see the rest.")


@strawberry.type(description="A graph to be drawn: of a cluster, around an account, or between two.")
class GraphView:
    nodes: list[GraphNode] = strawberry.field(description="The nodes to draw.")
    edges: list[GraphEdge] = strawberry.field(description="The lines between.")
    left_out: LeftOut = strawberry.field(description="The nodes that are not drawn.")
