"""Query of impact: what an action on accounts would affect, before it is taken."""
# mypy: disable-error-code=untyped-decorator

import math
from dataclasses import is_dataclass, replace
from typing import Annotated, Any

import strawberry

from graphsvc.analysis import impact_sentences, published
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
            cluster,
            accounts or [],
            least_membership=min_membership,
            stages=stages,
            most_innocents=max_false_positives,
        )
        says = info.context.veil.redact_rows(impact_sentences.describe_impact(found))
        known = _replace_nan(info.context.veil.redact_rows(found))
        fields = {name: getattr(known, name) for name in known.__dataclass_fields__}
        return Impact(**fields, says=says)


def _replace_nan(value: Any) -> Any:
    """Return a value with None in place of NaN, at any depth of dataclasses and tuples."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, tuple):
        return tuple(_replace_nan(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{name: _replace_nan(getattr(value, name)) for name in value.__dataclass_fields__}
        )
    return value
