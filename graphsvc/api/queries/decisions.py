"""Queries of decisions, of pairs of accounts, and of the clusters that the caller watches."""
# mypy: disable-error-code=untyped-decorator

from datetime import datetime
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.mutations.decisions import order_pair
from graphsvc.api.types import arguments
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.decision import Decided, Decision
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.model import decisions as model
from graphsvc.store.queries import nodes


@strawberry.input(description="Decisions that meet all that is given.")
class DecisionFilter:
    by: str | None = strawberry.field(default=None, description="Taken by this person.")
    subject_kind: model.On | None = strawberry.field(default=None, description="About this kind of subject.")
    topic: model.Topic | None = strawberry.field(default=None, description="Of this kind.")
    value: str | None = strawberry.field(
        default=None, description="With this value, for example `confirmed`."
    )
    since: datetime | None = strawberry.field(default=None, description="Taken then or later.")

    def is_match(self, decision: model.Decision) -> bool:
        """Return whether a decision meets all conditions."""
        return (
            self.by in (None, decision.by)
            and self.subject_kind in (None, decision.on)
            and self.topic in (None, decision.topic)
            and self.value in (None, decision.value)
            and (self.since is None or decision.at >= self.since)
        )


@strawberry.type(description="Decisions on a pair of accounts.")
class Pair(Decided):
    a: str = strawberry.field(description="One account; a pair has no direction.")
    b: str = strawberry.field(description="The other account.")

    @property
    def subject(self) -> tuple[model.On, str, str]:
        """Return it as the subject of decisions."""
        return model.On.PAIR, self.a, self.b

    @strawberry.field(description="Whether one operator runs both; null: not decided.")
    async def operator(self, info: Info) -> model.Pin | None:
        value = (await info.context.decision_log.read()).get_last_value(model.Topic.PIN, *self.subject)
        return model.Pin(value) if value else None


@strawberry.type(description="Queries of decisions.")
class DecisionQueries:
    @strawberry.field(description="Decisions, newest first.")
    async def decisions(
        self,
        info: Info,
        filter: Annotated[
            DecisionFilter | None, strawberry.argument(description="Only decisions that meet this.")
        ] = None,
        first: arguments.First = 50,
        after: arguments.After = None,
    ) -> Connection[Decision]:
        limit = info.context.budget.charge_page(first) + 1
        (before,) = decode_cursor("decisions", after, (1 << 62,))
        log = await info.context.decision_log.read()
        where = filter or DecisionFilter()
        found = [
            each for each in reversed(log.decisions) if each.number < int(before) and where.is_match(each)
        ]
        shown = found[:limit]
        subjects = {(each.on, each.subject, each.other) for each in shown}
        forced = {each.id for subject in subjects for each in log.find_active(*subject)}
        return build_connection(
            [Decision.from_model(each, each.id in forced) for each in shown],
            first,
            after,
            lambda each: encode_cursor("decisions", (each.number,)),
        )

    @strawberry.field(description="Decisions on a pair of accounts, made with `pinAccounts`.")
    def pair(
        self,
        a: Annotated[strawberry.ID, strawberry.argument(description="An account.")],
        b: Annotated[strawberry.ID, strawberry.argument(description="Another one.")],
    ) -> Pair:
        first, second = order_pair(a, b)
        return Pair(a=first, b=second)

    @strawberry.field(description="The published clusters that the caller watches, by id.")
    async def watched(self, info: Info, first: arguments.First = 50) -> list[Cluster]:
        limit = info.context.budget.charge_page(first)
        log = await info.context.decision_log.read()
        ids = log.list_watched(info.context.principal.name)[:limit]
        return await info.context.loaders.load_many(nodes.CLUSTER, ids)
