"""Subscriptions: the progress of a run, and events of clusters."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import Needs, check_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.subscriptions.pubsub import Lagging
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.decision import Decision
from graphsvc.api.types.event import check_kept, decode_number, encode_number
from graphsvc.api.types.pagination import Edge
from graphsvc.api.types.run import Run
from graphsvc.errors import NotFound
from graphsvc.model.decisions import On
from graphsvc.model.events import Event, EventType
from graphsvc.store.decisions import DecisionLog
from graphsvc.store.events import EVENTS_PAGE, build_page_parameters, read_events_after, take_complete
from graphsvc.store.queries import nodes, relations
from graphsvc.store.queries.service import ServiceState

CHECK_SECONDS = 10.0
"""How often it is looked whether who listens still may."""
MOST_CLUSTERS = 200
EVENTS_AT_ONCE = 200
"""Events that are read at a time."""


@strawberry.enum(description="The cause of an event.")
class ChangeCause(Enum):
    RUN = strawberry.enum_value("run", description="A run published something else of it.")
    DECISION = strawberry.enum_value("decision", description="A decision on it was taken or undone.")


@strawberry.type(description="That something became of a cluster.")
class ClusterEvent:
    cluster_id: str = strawberry.field(description="Id of the cluster.")
    cause: ChangeCause = strawberry.field(description="The cause.")
    kind: str = strawberry.field(
        description="The event: of a run the lineage event, for example `grew`; of a decision its topic, or `undone`."
    )
    description: str = strawberry.field(description="The same in words.")
    at: datetime = strawberry.field(description="When.")
    decision: Decision | None = strawberry.field(description="The decision, if it was one.")

    @strawberry.field(description="The cluster as it is now; null: no run finds it.")
    async def cluster(self, info: Info) -> Cluster | None:
        return await info.context.loaders.load_row(nodes.CLUSTER, self.cluster_id)


@strawberry.type(description="Subscriptions, over graphql-transport-ws.")
class Subscription:
    @strawberry.subscription(
        description="A run as it is now, and again whenever it has come further; ends when the run does."
    )
    async def run_progress(self, info: Info, id: Id) -> AsyncGenerator[Run, None]:
        told: object = None
        async for state in _watch_states(info):
            now = state.runs.get(id) or await _load_run(info, id)
            if now == told:
                continue
            told = now
            (run,) = await info.context.loaders.load_rows(nodes.RUN, id)
            yield run
            if run.progress is None:
                return

    @strawberry.subscription(
        description="Events of clusters from now on: of those named, or of those that the caller watches."
    )
    async def cluster_changes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description=f"These clusters, at most {MOST_CLUSTERS}; null: those watched."),
        ] = None,
    ) -> AsyncGenerator[ClusterEvent, None]:
        if ids is not None and not 1 <= len(ids) <= MOST_CLUSTERS:
            raise BadInput(f"`ids` names 1 to {MOST_CLUSTERS} clusters.", "Leave it out for those you watch.")
        last: ServiceState | None = None
        told = 0
        async for state in _watch_states(info):
            if last is None:
                told = state.log_version
            else:
                log = await info.context.decision_log.read()
                wanted = ids if ids is not None else log.list_watched(info.context.principal.name)
                if state.published != last.published:
                    for event in await _build_run_events(
                        info, state.published, {str(each) for each in wanted}
                    ):
                        yield event
                if state.log_version > told:
                    for event in _build_decision_events(log, told, [str(each) for each in wanted]):
                        yield event
                    # The log is read after the look and may hold later decisions, which have now been sent.
                    told = max(state.log_version, *(each.changed for each in log.decisions))
            last = state

    # A subscription is a generator, which extensions of fields do not run, so its resolver checks the role.
    @strawberry.subscription(
        description="Events of the outbox in order, each with the cursor to continue from. A client that was away "
        "names the last one that it has seen, and misses none.",
        directives=[Needs(role=Role.ANALYST.value)],
    )
    async def events(
        self,
        info: Info,
        after: Annotated[
            str | None,
            strawberry.argument(description="Cursor of the last event that was seen; null: from now on."),
        ] = None,
        types: Annotated[
            list[EventType] | None, strawberry.argument(description="Only these; null: all.")
        ] = None,
    ) -> AsyncGenerator[Edge[Event], None]:
        check_role(info.context.principal.role, Role.ANALYST)
        last = None if after is None else decode_number(after, 0)
        if last is not None:
            await check_kept(info, last)
        async for state in _watch_states(info):
            check_role(info.context.principal.role, Role.ANALYST)
            last = state.events if last is None else last
            while last < state.events:
                # Of all types, so that `last` passes those that are not wanted.
                wanted = build_page_parameters(last, EVENTS_AT_ONCE, None, newest_first=False)
                found = take_complete(await info.context.reader.read(EVENTS_PAGE, **wanted), last)
                if not found:  # they are about to be committed
                    found = await info.context.worker.run(read_events_after, last, EVENTS_AT_ONCE)
                for event in found:
                    if types is None or event.type in types:
                        yield Edge(cursor=encode_number(event), node=event)
                last = found[-1].number if found else state.events


async def _watch_states(info: Info) -> AsyncIterator[ServiceState]:
    """Yield the state now and after each change, while the caller has access and keeps up."""
    context = info.context
    async with context.pubsub.listen() as queue:
        context.renew()
        yield await context.pubsub.read_state()
        while True:
            try:
                state = await asyncio.wait_for(queue.get(), CHECK_SECONDS)
            except TimeoutError:
                await context.verify_principal()
                continue
            if state is None:
                raise Lagging("You do not read the events fast enough.", "Subscribe again.")
            await context.verify_principal()
            context.renew()
            yield state


async def _load_run(info: Info, id: str) -> object:
    run = await info.context.loaders.load_row(nodes.RUN, id)
    if run is None:
        raise NotFound("There is no such run.", "`runs` lists them.")
    return run


async def _build_run_events(info: Info, run: str, wanted: set[str]) -> list[ClusterEvent]:
    """Return the events of a published run for some identities."""
    events = await info.context.reader.read(relations.RUN_EVENTS, run=run, assessments=None)
    now = datetime.now(UTC)
    found = []
    for event in events:
        # A merger is told to both clusters, and so is a split.
        for cluster in sorted({event.id, event.before or event.id} & wanted):
            found.append(
                ClusterEvent(
                    cluster_id=cluster,
                    cause=ChangeCause.RUN,
                    kind=event.kind,
                    description=event.says,
                    at=now,
                    decision=None,
                )
            )
    return found


def _build_decision_events(log: DecisionLog, since: int, wanted: list[str]) -> list[ClusterEvent]:
    """Return the decisions and undos after a version of the decision log."""
    found = []
    for cluster in wanted:
        forced = {each.id for each in log.find_active(On.CLUSTER, cluster)}
        for each in log.select_about(On.CLUSTER, cluster):
            if each.changed > since:
                by, at = (each.undone_by, each.undone_at) if each.undone else (each.by, each.at)
                kind = "undone" if each.undone else each.topic.value
                found.append(
                    ClusterEvent(
                        cluster_id=cluster,
                        cause=ChangeCause.DECISION,
                        kind=kind,
                        description=f"{by}: {kind} {each.value}".strip(),
                        at=at or each.at,
                        decision=Decision.from_model(each, each.id in forced),
                    )
                )
    return found
