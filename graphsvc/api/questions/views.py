"""Graphs to be drawn: a cluster level by level, the surroundings of an account. What is cut is counted."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.questions.paths import HUBS
from graphsvc.api.types.view import EdgeKind, GraphEdge, GraphNode, GraphView, LeftOut, NodeKind
from graphsvc.errors import NotFound
from graphsvc.signals.kinds import family_of
from graphsvc.store.connection import Row

MOST_NODES = 2_000
SIGNALS_SHARE = 5
"""One in so many nodes is a signal, at most."""
NODES_A_ROW = 10
"""Nodes that are charged as one row."""

Nodes = Annotated[int, strawberry.argument(description=f"How many nodes at most: 10 to {MOST_NODES:,}.")]


@strawberry.type(description="Questions for graphs to be drawn.")
class ViewQuestions:
    @strawberry.field(
        description="A cluster to be drawn. One that does not fit is shown as groups of members, by the signal that "
        "adds most to each one's membership; `within` opens one of them. The groups' sizes add up to the cluster's."
    )
    async def cluster_graph(
        self,
        info: Info,
        cluster: Annotated[strawberry.ID, strawberry.argument(description="Id of the cluster.")],
        within: Annotated[
            str | None, strawberry.argument(description="`id` of a group: only its members are drawn.")
        ] = None,
        nodes: Nodes = 500,
    ) -> GraphView:
        charge(info, nodes)
        row = await info.context.loaders.row("query/cluster_by_id", cluster)
        if row is None:
            raise NotFound(f"No cluster {cluster} is published.", "`clusters` lists those that are.")
        size = row["cluster"]["size"]
        signals = max(nodes // SIGNALS_SHARE, 1)
        if within is None and size > nodes - signals:
            return await _groups(info, cluster, size, nodes)
        return await _members(info, cluster, within, nodes - signals, signals)

    @strawberry.field(
        description="The surroundings of an account to be drawn: what it uses, rarest first, and who else uses that. "
        "Hubs are one node each, without their users."
    )
    async def ego_graph(
        self,
        info: Info,
        account: Annotated[strawberry.ID, strawberry.argument(description="Id of the account.")],
        nodes: Nodes = 500,
    ) -> GraphView:
        charge(info, nodes)
        signals = max(nodes // SIGNALS_SHARE, 1)
        rows = await info.context.reader.read("view/ego", account=account, signals=signals, **HUBS)
        others: dict[str, None] = {}
        for row in rows:
            others.update(dict.fromkeys(row["accounts"]))
        chosen = [account, *list(others)[: nodes - len(rows) - 1]]
        known = {row["id"]: row for row in await info.context.reader.read("view/accounts", ids=chosen)}
        if account not in known:
            raise NotFound(f"There is no account {account}.", "`search` finds accounts.")
        drawn = set(chosen)
        edges = [
            GraphEdge(source=user, target=row["key"], kind=EdgeKind.USES)
            for row in rows
            for user in (account, *row["accounts"])
            if user in drawn
        ]
        uses = rows[0]["uses"] if rows else 0
        left = LeftOut(
            accounts=len(others) + 1 - len(chosen),
            signals=uses - len(rows),
            says=f"Drawn are the {len(rows):,} rarest of its {uses:,} signals, and {len(chosen) - 1:,} of the "
            f"{len(others):,} accounts on those that are no hubs, the rarest signals' first. More with `nodes`.",
        )
        nodes_drawn = [*(_account(known[each]) for each in chosen if each in known), *map(_signal, rows)]
        return GraphView(nodes=nodes_drawn, edges=edges, left_out=left)


def charge(info: Info, nodes: int) -> None:
    """Charges a graph of so many nodes.

    Raises:
        BadInput: too few or too many.
        TooExpensive
    """
    if not 10 <= nodes <= MOST_NODES:
        raise BadInput(f"`nodes` is {nodes}, it must be from 10 to {MOST_NODES:,}.")
    info.context.budget.charge(nodes // NODES_A_ROW)


async def _groups(info: Info, cluster: str, size: int, nodes: int) -> GraphView:
    """A cluster as groups of its members; those that do not fit are one node more."""
    rows = await info.context.reader.read("view/groups", cluster=cluster)
    shown, rest = rows[: nodes - 1], rows[nodes - 1 :]
    keys = [row["key"] for row in shown]
    links = await info.context.reader.read("view/group_links", cluster=cluster, keys=keys)
    drawn = [
        GraphNode(
            id=row["key"],
            kind=NodeKind.GROUP,
            family=family_of(row["key"].partition(":")[0]) if row["key"] else None,
            size=row["accounts"],
            membership=row["membership"],
        )
        for row in shown
    ]
    edges = [
        GraphEdge(
            source=row["source"],
            target=row["target"],
            kind=EdgeKind.LINKED,
            bits=row["bits"],
            links=row["links"],
        )
        for row in links
    ]
    left = sum(row["accounts"] for row in rest)
    says = f"{size:,} accounts in {len(rows):,} groups; `within` opens one."
    if rest:
        says += f" The {len(rest):,} smallest groups, of {left:,} accounts, are not drawn; more with `nodes`."
    return GraphView(nodes=drawn, edges=edges, left_out=LeftOut(accounts=left, signals=0, says=says))


async def _members(info: Info, cluster: str, within: str | None, accounts: int, signals: int) -> GraphView:
    """The surest members of a cluster or of one of its groups, and the strongest signals that it shares."""
    reader = info.context.reader
    rows = await reader.read("view/members", cluster=cluster, within=within, limit=accounts)
    if not rows:
        raise NotFound("The cluster has no such group.", "`clusterGraph` without `within` shows its groups.")
    ids = [row["id"] for row in rows]
    shared = await reader.read("view/shared", cluster=cluster, ids=ids, limit=signals, **HUBS)
    drawn = [_account({**row, "cluster": cluster}) for row in rows] + [_signal(row) for row in shared]
    edges = [
        GraphEdge(source=user, target=row["key"], kind=EdgeKind.USES)
        for row in shared
        for user in row["accounts"]
    ]
    in_all, signals_in_all = rows[0]["in_all"], shared[0]["in_all"] if shared else 0
    left = LeftOut(
        accounts=in_all - len(rows),
        signals=signals_in_all - len(shared),
        says=f"Drawn are the {len(rows):,} surest of {in_all:,} members, and the {len(shared):,} strongest of the "
        f"{signals_in_all:,} signals that the cluster shares. More with `nodes`.",
    )
    return GraphView(nodes=drawn, edges=edges, left_out=left)


def _account(row: Row) -> GraphNode:
    return GraphNode(
        id=row["id"],
        kind=NodeKind.ACCOUNT,
        status=row["status"],
        cluster_id=row["cluster"],
        membership=row["membership"],
    )


def _signal(row: Row) -> GraphNode:
    return GraphNode(
        id=row["key"],
        kind=NodeKind.SIGNAL,
        family=family_of(row["kind"]),
        size=row["degree"],
        hub=row["hub"],
        bits=row.get("bits"),
    )
