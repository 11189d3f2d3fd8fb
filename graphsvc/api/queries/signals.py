"""Query of a signal by its key."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.signal import Signal
from graphsvc.store.queries import nodes


@strawberry.type(description="Queries of signals.")
class SignalQueries:
    @strawberry.field(description="One signal; null: there is none of this key.")
    async def signal(
        self, info: Info, key: Annotated[str, strawberry.argument(description="Its key, `kind:value`.")]
    ) -> Signal | None:
        return await info.context.loaders.load_row(nodes.SIGNAL, key)
