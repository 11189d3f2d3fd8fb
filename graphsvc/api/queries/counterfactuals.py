"""Queries of structure: a cluster without some of its evidence, and its weak points."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.analysis import counterfactual_sentences as words
from graphsvc.analysis import published
from graphsvc.analysis.counterfactual import SMALLEST
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.counterfactual import Anatomy, Counterfactual
from graphsvc.errors import NotFound
from graphsvc.store.queries import nodes

MOST_NAMED = 100
"""Signals, families and accounts that can be left out at a time."""
MEMBERS_A_ROW = 20
"""Members of a cluster that are charged as one row."""

Left = Annotated[
    list[str] | None, strawberry.argument(description=f"The values to leave out: at most {MOST_NAMED}.")
]


@strawberry.type(description="Queries of counterfactuals.")
class CounterfactualQueries:
    @strawberry.field(
        description="A cluster without signals (keys), families of signals, or accounts (ids): which parts remain. "
        "Members are connected as links are made; hubs connect no accounts."
    )
    async def counterfactual(
        self,
        info: Info,
        cluster: Id,
        without_signals: Left = None,
        without_families: Left = None,
        without_accounts: Left = None,
    ) -> Counterfactual:
        signals, families, accounts = without_signals or [], without_families or [], without_accounts or []
        named = len(signals) + len(families) + len(accounts)
        if not 1 <= named <= MOST_NAMED:
            raise BadInput(
                f"{named} signals, families and accounts are named, it must be 1 to {MOST_NAMED}.",
                "`anatomy` says what holds the cluster as it is.",
            )
        await charge_cluster(info, cluster)
        opened = info.context.veil.open_handles(signals)
        before, after = await info.context.worker.run(
            published.read_parts_without, info.context.services.clusters, cluster, opened, families, accounts
        )
        what = ", ".join([*signals, *(f"all of {name}" for name in families), *accounts])
        says = words.describe_exclusion(before, after, what)
        before, after, says = info.context.veil.redact_rows((before, after, says))
        return Counterfactual(before=before, after=after, says=says)

    @strawberry.field(
        description="Weak points of a cluster: single signals and accounts without which a part splits off, the "
        "strongest signal, and the smallest evidence cut found."
    )
    async def anatomy(
        self,
        info: Info,
        cluster: Id,
        min_part_size: Annotated[
            int, strawberry.argument(description="Accounts that must split off for something to be a bridge.")
        ] = SMALLEST,
    ) -> Anatomy:
        if min_part_size < 1:
            raise BadInput("`minPartSize` must be 1 or more.")
        await charge_cluster(info, cluster)
        found = await info.context.worker.run(
            published.read_weak_points, info.context.services.clusters, cluster, min_part_size
        )
        shown: Anatomy = info.context.veil.redact_rows(found)
        return shown


async def charge_cluster(info: Info, cluster: str) -> None:
    """Charge an analysis of a cluster.

    Raises:
        NotFound: no such cluster is published.
        TooExpensive
    """
    found = await info.context.loaders.load_row(nodes.CLUSTER, cluster)
    if found is None:
        raise NotFound(f"No cluster {cluster} is published.", "`clusters` lists those that are.")
    info.context.budget.charge(1 + found.size // MEMBERS_A_ROW)
