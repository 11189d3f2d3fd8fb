"""Events of the outbox, and the webhooks that they are sent to."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.event import check_kept, decode_number, encode_number
from graphsvc.api.types.pagination import Connection, build_connection
from graphsvc.api.types.webhook import Webhook
from graphsvc.model.events import Event, EventType
from graphsvc.store.events import EVENTS_PAGE, LAST, build_page_parameters, read_last_number
from graphsvc.store.webhooks import WEBHOOKS


@strawberry.type(description="Queries of events and of webhooks.")
class EventQueries:
    @strawberry.field(
        description="What happened to clusters, decisions and runs. The subscription `events` continues from a cursor.",
        extensions=[require_role(Role.ANALYST)],
    )
    async def events(
        self,
        info: Info,
        first: arguments.First = 50,
        after: arguments.After = None,
        types: Annotated[
            list[EventType] | None, strawberry.argument(description="Only these; null: all.")
        ] = None,
        newest_first: Annotated[
            bool, strawberry.argument(description="The order: newest first, or as it happened.")
        ] = True,
    ) -> Connection[Event]:
        limit = info.context.budget.charge_page(first) + 1
        number = decode_number(after, LAST if newest_first else -1)
        if after is not None and not newest_first:
            await check_kept(info, number)
        # Who continues from a cursor must not pass an event that is about to be committed.
        until = LAST if newest_first else await info.context.worker.run(read_last_number)
        wanted = build_page_parameters(number, limit, types, newest_first=newest_first, until=until)
        rows = await info.context.reader.read(EVENTS_PAGE, **wanted)
        return build_connection(rows, first, after, encode_number)

    @strawberry.field(
        description="All webhooks in the order of their addition; never an address or a secret.",
        extensions=[require_role(Role.ADMIN)],
    )
    async def webhooks(self, info: Info) -> list[Webhook]:
        found = await info.context.reader.read(WEBHOOKS, id=None)
        info.context.budget.charge(len(found))
        return found
