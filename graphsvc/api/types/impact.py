"""The impact of an action on accounts, resolved from the redacted dataclasses of the analysis."""

import strawberry

from graphsvc.api.types.counterfactual import ClusterParts


@strawberry.type(description="Others who use what the accounts use, of one family of signals.")
class CollateralAccounts:
    family: str = strawberry.field(description="The family, for example `payment`.")
    signals: int = strawberry.field(description="Signals that others use too.")
    accounts: int = strawberry.field(description="How many others do, each counted once.")
    hubs: int = strawberry.field(
        description="Signals of very many accounts, or of many people by design; their users are not among these."
    )
    widest: int = strawberry.field(description="Others on the widest of the hubs.")


@strawberry.type(description="A member that is left and shares with those acted on what would make a link.")
class LinkedMember:
    account: str = strawberry.field(description="Id of the account.")
    membership: float = strawberry.field(description="How surely it belongs to the cluster, 0 to 1.")
    values: int = strawberry.field(description="Values it shares with them.")
    bits: float = strawberry.field(description="Evidence of those, in bits.")


@strawberry.type(description="A cluster after the action.")
class ClusterImpact:
    cluster: str = strawberry.field(description="Id of the cluster.")
    acted: int = strawberry.field(description="Members that are acted on.")
    before: ClusterParts = strawberry.field(description="Its active members now.")
    after: ClusterParts = strawberry.field(description="Those that are left.")
    bans: int = strawberry.field(description="Members that were stopped so far.")
    rate: float = strawberry.field(
        name="replacementRate",
        description="Share of those for whom new ones were made within three days, at least.",
    )
    delay_hours: float | None = strawberry.field(
        description="How long that took at the median, in hours; null: not known."
    )
    replaced: float = strawberry.field(
        name="expectedReplacements", description="How many of those acted on would be replaced at that rate."
    )
    heirs: int = strawberry.field(
        name="linkedMembers", description="Members left that share what would make a link."
    )
    strongest: list[LinkedMember] = strawberry.field(
        name="strongestLinked", description="The strongest of them."
    )


@strawberry.type(description="One step of the plan, accounts of highest membership first.")
class Stage:
    accounts: int = strawberry.field(description="Accounts to act on in it.")
    so_far: int = strawberry.field(name="accountsSoFar", description="Accounts with those before.")
    membership: float = strawberry.field(name="minMembership", description="The least membership among them.")
    innocents: float = strawberry.field(
        name="expectedFalsePositives", description="Expected false positives among them."
    )
    innocents_so_far: float = strawberry.field(
        name="expectedFalsePositivesSoFar", description="Expected false positives up to this step."
    )
    left: int = strawberry.field(
        name="remaining", description="Active members of the clusters that are left."
    )
    sizes: list[int] = strawberry.field(description="Parts that these fall into, largest first.")
    alone: int = strawberry.field(name="isolated", description="Those left alone.")


@strawberry.type(description="The order of the action.")
class Plan:
    stages: list[Stage] = strawberry.field(description="The steps.")
    most: float = strawberry.field(
        name="maxFalsePositives", description="Expected false positives allowed in a step."
    )
    left_out: int = strawberry.field(description="Accounts left out because more are to be expected.")
    left_out_innocents: float = strawberry.field(
        name="leftOutFalsePositives", description="Expected false positives among those."
    )
    order: list[str] = strawberry.field(description="Ids of the accounts, in the order to act.")


@strawberry.type(description="The impact of an action on accounts. A query changes nothing.")
class Impact:
    accounts: int = strawberry.field(description="Accounts asked for.")
    inactive: int = strawberry.field(description="Of these, those that are out already.")
    strangers: int = strawberry.field(
        name="unclustered", description="Of the others, those that are in no cluster."
    )
    businesses: int = strawberry.field(
        description="Of the others, those that are in clusters that are likely businesses."
    )
    innocents: float = strawberry.field(
        name="expectedFalsePositives",
        description="Expected false positives: 1 - membership of each; a stranger and a member of a likely business "
        "count as one.",
    )
    bystanders: list[CollateralAccounts] = strawberry.field(
        name="collateral", description="Others on the same infrastructure, by family."
    )
    bystanders_in_all: int = strawberry.field(
        name="collateralTotal", description="How many they are, each counted once."
    )
    clusters: list[ClusterImpact] = strawberry.field(description="The clusters after the action.")
    plan: Plan = strawberry.field(description="The order of the action.")
    says: list[str] = strawberry.field(name="descriptions", description="The same in sentences.")
