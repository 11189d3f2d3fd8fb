"""Query of the successions that the published run found."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types import arguments
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.succession import Succession
from graphsvc.store.queries import relations


@strawberry.type(description="Queries of successions.")
class SuccessionQueries:
    @strawberry.field(
        description="Accounts that probably follow banned ones, most probable first: those who follow members of a "
        "cluster, or whom one account follows and who follows it. The pairs that the published run found probable; "
        "`graphsvc succession --account` scores all candidates again."
    )
    async def successions(
        self,
        info: Info,
        cluster: Annotated[
            strawberry.ID | None, strawberry.argument(description="Of members of this cluster.")
        ] = None,
        account: Annotated[strawberry.ID | None, strawberry.argument(description="Of this account.")] = None,
        first: arguments.First = 50,
        after: arguments.After = None,
    ) -> Connection[Succession]:
        if (cluster is None) == (account is None):
            raise BadInput("Name a cluster or an account, and one of them only.")
        limit = info.context.budget.charge_page(first) + 1
        after_key, after_id = decode_cursor("successions", after, (-1e300, ""))
        rows = await info.context.reader.read(
            relations.SUCCESSIONS,
            cluster=cluster,
            account=account,
            after_key=after_key,
            after_id=after_id,
            limit=limit,
        )
        return build_connection(
            rows,
            first,
            after,
            lambda pair: encode_cursor(
                "successions", (-pair.probability, f"{pair.successor.id}\n{pair.predecessor.id}")
            ),
        )
