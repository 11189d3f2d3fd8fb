"""Query of a signal by its key."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.signal import Signal


@strawberry.type(description="Queries of signals.")
class SignalQueries:
    @strawberry.field(description="One signal; null: there is none of this key.")
    async def signal(
        self, info: Info, key: Annotated[str, strawberry.argument(description="Its key, `kind:value`.")]
    ) -> Signal | None:
        row = await info.context.loaders.load_row("query/signal_by_key", key)
        return Signal.from_row(row["signal"], row["degree"]) if row else None
