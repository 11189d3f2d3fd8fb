"""Query of impact: what an action on accounts would affect, before it is taken."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.analysis import published
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.queries.counterfactuals import charge_cluster
from graphsvc.api.types.impact import Impact

MOST_ACCOUNTS = 2_000
MOST_STAGES = 100


@strawberry.type(description="Queries of impact.")
class ImpactQueries:
    @strawberry.field(
        description="The impact of an action (a ban, say) on all members of a cluster, or on some accounts: expected "
        "false positives, collateral accounts on the same infrastructure, followers, the remaining parts, and a plan."
    )
    async def impact(
        self,
        info: Info,
        cluster: Annotated[
            strawberry.ID | None, strawberry.argument(description="All members of this cluster.")
        ] = None,
        accounts: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description=f"Or these accounts, at most {MOST_ACCOUNTS:,}."),
        ] = None,
        min_membership: Annotated[
            float, strawberry.argument(description="Leave out accounts of less membership, 0 to 1.")
        ] = 0.0,
        stages: Annotated[
            int, strawberry.argument(description=f"Steps of the plan, 1 to {MOST_STAGES}.")
        ] = 5,
        max_false_positives: Annotated[
            float, strawberry.argument(description="Stop before a step with more expected false positives.")
        ] = 3.0,
    ) -> Impact:
        if (cluster is None) == (not accounts):
            raise BadInput("Name a cluster or accounts, and one of them only.")
        if len(accounts or ()) > MOST_ACCOUNTS:
            raise BadInput(f"More than {MOST_ACCOUNTS:,} accounts are named.", "Name fewer, or a cluster.")
        if not (0.0 <= min_membership <= 1.0 and 1 <= stages <= MOST_STAGES and max_false_positives >= 0.0):
            raise BadInput(
                f"`minMembership` is from 0 to 1, `stages` from 1 to {MOST_STAGES}, `maxFalsePositives` 0 or more."
            )
        if cluster is not None:
            await charge_cluster(info, cluster)
        info.context.budget.charge(len(accounts or ()))
        found = await info.context.worker.run(
            published.read_impact,
            info.context.services.clusters,
            cluster,
            accounts or [],
            least_membership=min_membership,
            stages=stages,
            most_innocents=max_false_positives,
        )
        shown: Impact = info.context.veil.redact_rows(found)
        return shown
