"""Detection runs."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.run import Run


@strawberry.type(description="Queries of runs.")
class RunQueries:
    @strawberry.field(description="The detection runs, latest first.")
    async def runs(
        self, info: Info, first: arguments.First = 20, after: arguments.After = None
    ) -> Connection[Run]:
        limit = info.context.budget.charge_page(first) + 1
        before, after_id = decode_cursor("runs", after, ("9999-12-31T00:00:00Z", ""))
        rows = await info.context.reader.read("query/runs", before=before, after_id=after_id, limit=limit)
        return build_connection(
            rows,
            first,
            after,
            lambda row: Run.from_row(row["run"]),
            lambda row: encode_cursor("runs", (row["key"], row["run"]["id"])),
        )

    @strawberry.field(description="One detection run; null: there is none of this id.")
    async def run(self, info: Info, id: Id) -> Run | None:
        row = await info.context.loaders.load_row("query/run_by_id", id)
        return Run.from_row(row["run"]) if row else None

    @strawberry.field(description="The run whose clusters are served now; null: there was none yet.")
    async def published_run(self, info: Info) -> Run | None:
        rows = await info.context.reader.read("query/published_run")
        return Run.from_row(rows[0]["run"]) if rows else None
