"""A cluster without some of its evidence, resolved from the redacted dataclasses of the analyses."""

from typing import TypeVar, cast

import strawberry

from graphsvc.api.context import Info

Shown = TypeVar("Shown")


@strawberry.type(description="A signal, or several that are one value, and who uses it.")
class LinkingSignal:
    signals: list[str] = strawberry.field(description="Keys of the signals.")
    kind: str = strawberry.field(description="Their kind.")
    accounts: int = strawberry.field(description="Accounts of the part that use it.")
    outside: int = strawberry.field(description="Accounts outside of the cluster that do.")
    bits: float = strawberry.field(description="Evidence for one operator from sharing it, in bits.")


@strawberry.type(description="Accounts that are connected with each other.")
class ClusterPart:
    size: int = strawberry.field(description="How many.")
    accounts: list[str] = strawberry.field(description="Ids of the few with the highest membership.")
    holds: list[LinkingSignal] = strawberry.field(
        name="signals", description="Signals that connect most of them."
    )


@strawberry.type(description="The parts of a cluster.")
class ClusterParts:
    members: int = strawberry.field(description="Members in all.")
    sizes: list[int] = strawberry.field(description="Sizes of all parts, largest first.")
    alone: int = strawberry.field(
        name="isolated",
        description="Members whom nothing that would make a link connects; they belong by weaker evidence.",
    )
    parts: list[ClusterPart] = strawberry.field(description="More of the largest parts.")


@strawberry.type(description="One signal or account without which a part splits off.")
class Bridge:
    holding: LinkingSignal | None = strawberry.field(
        name="signal", description="The signal; null: it is an account."
    )
    account: str = strawberry.field(description="Id of the account; empty: it is a signal.")
    sizes: list[int] = strawberry.field(
        description="Sizes of the parts that remain of its part, largest first."
    )
    alone: int = strawberry.field(name="isolated", description="Accounts left with nothing.")


@strawberry.type(
    description="The least evidence found that must go for the cluster to be two; there may be less."
)
class EvidenceCut:
    bits: float = strawberry.field(description="Evidence removed, in bits.")
    least: int = strawberry.field(description="Accounts that each of the two parts has at least.")
    values: int = strawberry.field(description="Values that go as a whole.")
    uses: int = strawberry.field(description="Single uses of other values that go.")
    signals: list[LinkingSignal] = strawberry.field(description="The strongest of the removed signals.")
    sizes: list[int] = strawberry.field(description="The parts that remain, largest first.")
    alone: int = strawberry.field(name="isolated", description="Accounts left with nothing.")


@strawberry.type(description="Weak points of a cluster.")
class Anatomy:
    parts: ClusterParts = strawberry.field(description="Its parts.")
    signals: list[Bridge] = strawberry.field(description="Signals that are bridges, the greatest first.")
    accounts: list[Bridge] = strawberry.field(description="Accounts that are bridges, the greatest first.")
    every: bool = strawberry.field(
        name="isComplete",
        description="Whether each signal and account was tried; in a large cluster only those that can be all that "
        "connects a part, and the signals that hold most.",
    )
    strongest: LinkingSignal | None = strawberry.field(description="The signal that holds most.")
    splits: bool = strawberry.field(
        name="splitsWithoutStrongest", description="Whether anything splits off without it."
    )
    cut: EvidenceCut | None = strawberry.field(
        description="The smallest evidence cut found; null: none was found."
    )
    says: list[str] = strawberry.field(name="descriptions", description="The same in sentences.")


@strawberry.type(description="A cluster before and after something is left out of account.")
class Counterfactual:
    before: ClusterParts = strawberry.field(description="The cluster as it is.")
    after: ClusterParts = strawberry.field(description="The parts that remain.")
    says: list[str] = strawberry.field(name="descriptions", description="The same in sentences.")


def redact_result(info: Info, found: object, kind: type[Shown]) -> Shown:
    """Return a redacted dataclass of an analysis as the GraphQL type that has its fields."""
    return cast(kind, info.context.veil.redact_rows(found))  # type: ignore[valid-type]
