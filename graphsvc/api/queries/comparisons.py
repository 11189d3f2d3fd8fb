"""Query of the differences between two runs."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.analysis import published
from graphsvc.api.context import Info
from graphsvc.api.queries.counterfactuals import MEMBERS_A_ROW
from graphsvc.api.types.comparison import RunDiff
from graphsvc.errors import NotFound
from graphsvc.store.queries import nodes

FROM = "Id of the earlier run. Both published their results."
TO = "Id of the later run."


@strawberry.type(description="Queries of the differences of runs.")
class ComparisonQueries:
    @strawberry.field(
        description="Changes from one run to another: clusters that came, grew, merged, split or went, and which "
        "accounts moved and why. Members of the last runs are kept; of older ones it is said that they are not."
    )
    async def run_diff(
        self,
        info: Info,
        before: Annotated[strawberry.ID, strawberry.argument(name="from", description=FROM)],
        after: Annotated[strawberry.ID, strawberry.argument(name="to", description=TO)],
    ) -> RunDiff:
        for run in (before, after):
            record = await info.context.loaders.load_row(nodes.RUN, run)
            if record is None:
                raise NotFound(f"There is no run {run}.", "`runs` lists them.")
            info.context.budget.charge((record.members or 0) // MEMBERS_A_ROW)
        found = await info.context.worker.run(published.read_differences, before, after)
        return RunDiff(from_id=before, to_id=after, found=found)
