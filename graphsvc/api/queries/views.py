"""Queries of graphs to draw: a cluster level by level, or the surroundings of an account.

The answer counts what is left out.
"""
# mypy: disable-error-code=untyped-decorator

import asyncio
import json
from dataclasses import replace
from typing import Annotated, TypeVar

import strawberry

from graphsvc.analysis.levels import build_level, expand_bundle, parse_bundle
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.queries.paths import HUBS
from graphsvc.api.types.view import GraphEdge, GraphNode, GraphView, LeftOut
from graphsvc.errors import NotFound
from graphsvc.model.clusters import Group
from graphsvc.signals.kinds import family_of
from graphsvc.store.cluster_files import PUBLISHED_CLUSTER, name_question
from graphsvc.store.queries import nodes as entities
from graphsvc.store.queries import views
from graphsvc.store.queries.query import Query

Item = TypeVar("Item")

MOST_NODES = 2_000
SIGNALS_SHARE = 5
"""One in so many nodes is a signal, at most."""
NODES_A_ROW = 10
"""Nodes that are charged as one row."""
USES = "uses"
NO_GROUP = "`clusterGraph` without `within` shows its groups."

Nodes = Annotated[int, strawberry.argument(description=f"How many nodes at most: 10 to {MOST_NODES:,}.")]


@strawberry.type(description="Queries of graphs to draw.")
class ViewQueries:
    @strawberry.field(
        description="A cluster to be drawn. One that does not fit is shown as groups of members, by the signal that "
        "adds most to each one's membership; the smallest are behind one node for each kind of signal. `within` opens "
        "any of them, level by level. The groups' sizes add up to the cluster's."
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
        charge_nodes(info, nodes)
        found = await info.context.loaders.load_row(entities.CLUSTER, cluster)
        if found is None:
            raise NotFound(f"No cluster {cluster} is published.", "`clusters` lists those that are.")
        signals = max(nodes // SIGNALS_SHARE, 1)
        # `within` names either one group or, for those that did not fit, a bundle of groups.
        behind = parse_bundle(within) if within is not None else None
        if behind is not None or (within is None and found.size > nodes - signals):
            groups = await _read_kept(info, cluster, "groups", list[Group], views.GROUPS)
            if behind is not None:
                groups = expand_bundle(groups, *behind)
            if not groups:
                raise NotFound("The cluster has no such group.", NO_GROUP)
            return await _build_group_view(
                info, cluster, groups, nodes, behind[1] if behind is not None else 0
            )
        return await _build_member_view(info, cluster, within, nodes - signals, signals)

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
        charge_nodes(info, nodes)
        signals = max(nodes // SIGNALS_SHARE, 1)
        rows = await info.context.reader.read(views.EGO, account=account, signals=signals, **HUBS)
        others: dict[str, None] = {}
        for row in rows:
            # A dict keeps the order: users of the rarest signals come first.
            others.update(dict.fromkeys(row.accounts))
        chosen = [account, *list(others)[: nodes - len(rows) - 1]]
        known = {row.id: row for row in await info.context.reader.read(views.ACCOUNTS, ids=chosen)}
        if account not in known:
            raise NotFound(f"There is no account {account}.", "`search` finds accounts.")
        drawn = set(chosen)
        edges = [
            GraphEdge(user, row.id, USES)
            for row in rows
            for user in (account, *row.accounts)
            # Edges to accounts that did not fit would end nowhere.
            if user in drawn
        ]
        uses = rows[0].in_all if rows else 0
        left = LeftOut(
            accounts=len(others) + 1 - len(chosen),
            signals=uses - len(rows),
            description=f"Drawn are the {len(rows):,} rarest of its {uses:,} signals, and {len(chosen) - 1:,} of the "
            f"{len(others):,} accounts on those that are no hubs, the rarest signals' first. More with `nodes`.",
        )
        nodes_drawn = [*(known[each] for each in chosen if each in known), *rows]
        return GraphView(nodes=nodes_drawn, edges=edges, left_out=left)


def charge_nodes(info: Info, nodes: int) -> None:
    """Charge a graph of so many nodes.

    Raises:
        BadInput: too few or too many.
        TooExpensive
    """
    if not 10 <= nodes <= MOST_NODES:
        raise BadInput(f"`nodes` is {nodes}, it must be from 10 to {MOST_NODES:,}.")
    info.context.budget.charge(nodes // NODES_A_ROW)


async def _build_group_view(
    info: Info, cluster: str, groups: list[Group], nodes: int, larger: int
) -> GraphView:
    """Build the graph of a cluster's groups. Those that do not fit are behind one node for each kind of signal."""
    shown = build_level(groups, nodes, larger)
    places = {group.key: node.id for node in shown for group in node.groups}
    edges = await _read_kept(info, cluster, "links", list[GraphEdge], views.GROUP_LINKS, nodes=places)
    drawn = [
        GraphNode(
            id=node.id,
            kind="group",
            family=family_of(node.kind) if node.kind else None,
            size=node.accounts,
            membership=node.membership,
        )
        for node in shown
    ]
    accounts, behind = sum(group.accounts for group in groups), [n for n in shown if len(n.groups) > 1]
    says = f"{accounts:,} accounts in {len(groups):,} groups; `within` opens one."
    if behind:
        says += (
            f" The {sum(len(n.groups) for n in behind):,} smallest, of {sum(n.accounts for n in behind):,} accounts, "
            f"are behind {len(behind):,} nodes, one a kind of signal; they open the same way."
        )
    return GraphView(nodes=drawn, edges=edges, left_out=LeftOut(accounts=0, signals=0, description=says))


async def _read_kept(
    info: Info, cluster: str, name: str, kind: type[list[Item]], query: Query[Item], **parameters: object
) -> list[Item]:
    """Read what no decision and no status changes: as it was kept of the run, or from the database.

    Args:
        info: of the request.
        cluster: id.
        name: of the question.
        kind: type of the rows.
        query: reads them.
        parameters: of the query, besides the cluster.
    """
    files, reader = info.context.services.clusters, info.context.reader
    # Rows are kept as the caller may see them, and callers differ in that.
    asked = json.dumps([type(reader.veil).__name__, parameters], sort_keys=True)
    question = name_question(name, asked.encode())
    rows = await reader.read(PUBLISHED_CLUSTER, id=cluster)
    if not rows:  # another run was published meanwhile
        return await reader.read(query, cluster=cluster, **parameters)
    (published,) = rows
    found = await asyncio.to_thread(files.find_answer, published, question, kind)
    if found is None:
        found = await reader.read(query, cluster=cluster, **parameters)
        await asyncio.to_thread(files.keep_answer, published, question, kind, found)
    return found


async def _build_member_view(
    info: Info, cluster: str, within: str | None, accounts: int, signals: int
) -> GraphView:
    """Build the graph of the members with the highest membership, and of the strongest signals that they share."""
    reader = info.context.reader
    rows = await reader.read(views.MEMBERS, cluster=cluster, within=within, limit=accounts)
    if not rows:
        raise NotFound("The cluster has no such group.", NO_GROUP)
    ids = [row.id for row in rows]
    shared = await reader.read(views.SHARED, cluster=cluster, ids=ids, limit=signals, **HUBS)
    drawn = [*(replace(row, cluster_id=cluster) for row in rows), *shared]
    edges = [GraphEdge(user, row.id, USES) for row in shared for user in row.accounts]
    in_all, signals_in_all = rows[0].in_all, shared[0].in_all if shared else 0
    left = LeftOut(
        accounts=in_all - len(rows),
        signals=signals_in_all - len(shared),
        description=f"Drawn are the {len(rows):,} surest of {in_all:,} members, and the {len(shared):,} strongest of "
        f"the {signals_in_all:,} signals that the cluster shares. More with `nodes`.",
    )
    return GraphView(nodes=drawn, edges=edges, left_out=left)
