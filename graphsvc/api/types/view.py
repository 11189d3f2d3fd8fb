"""A graph to be drawn. Plain fields only: two thousand nodes are built without a resolver or a loader a node."""

from enum import Enum

import strawberry

from graphsvc.api.types.models import describe_model
from graphsvc.store.queries.views import GraphEdge, GraphNode

__all__ = ["GraphEdge", "GraphNode", "GraphView", "LeftOut"]


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


describe_model(GraphNode, types={"kind": NodeKind})
describe_model(GraphEdge, types={"kind": EdgeKind})


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
