"""Results on the structure of a cluster: its parts, bridges and cuts."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Holding:
    """A signal, or several that are one value, and who uses it."""

    signals: Annotated[tuple[str, ...], "Keys of the signals."]
    kind: Annotated[str, "Their kind."]
    accounts: Annotated[int, "Accounts of the part that use it."]
    outside: Annotated[int, "Accounts outside of the cluster that do."]
    bits: Annotated[float, "Evidence for one operator from sharing it, in bits."]


@dataclass(frozen=True, slots=True)
class Part:
    """Accounts that are connected with each other."""

    size: Annotated[int, "How many."]
    accounts: Annotated[tuple[str, ...], "Ids of the few with the highest membership."]
    holds: Annotated[tuple[Holding, ...], "Signals that connect most of them."]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a cluster."""

    members: Annotated[int, "Members in all."]
    sizes: Annotated[tuple[int, ...], "Sizes of all parts, largest first."]
    alone: Annotated[
        int, "Members whom nothing that would make a link connects; they belong by weaker evidence."
    ]
    parts: Annotated[tuple[Part, ...], "More of the largest parts."]


@dataclass(frozen=True, slots=True)
class Bridge:
    """One signal or account without which a part splits off."""

    holding: Annotated[Holding | None, "The signal; null: it is an account."]
    account: Annotated[str, "Id of the account; empty: it is a signal."]
    sizes: Annotated[tuple[int, ...], "Sizes of the parts that remain of its part, largest first."]
    alone: Annotated[int, "Accounts left with nothing."]


@dataclass(frozen=True, slots=True)
class EvidenceCut:
    """The least evidence found that must go for the cluster to be two; there may be less."""

    bits: Annotated[float, "Evidence removed, in bits."]
    least: Annotated[int, "Accounts that each of the two parts has at least."]
    values: Annotated[int, "Values that go as a whole."]
    uses: Annotated[int, "Single uses of other values that go."]
    signals: Annotated[tuple[Holding, ...], "The strongest of the removed signals."]
    sizes: Annotated[tuple[int, ...], "The parts that remain, largest first."]
    alone: Annotated[int, "Accounts left with nothing."]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Weak points of a cluster."""

    parts: Annotated[Parts, "Its parts."]
    signals: Annotated[tuple[Bridge, ...], "Signals that are bridges, the greatest first."]
    accounts: Annotated[tuple[Bridge, ...], "Accounts that are bridges, the greatest first."]
    every: Annotated[
        bool,
        "Whether each signal and account was tried; in a large cluster only those that can be all that "
        "connects a part, and the signals that hold most.",
    ]
    strongest: Annotated[Holding | None, "The signal that holds most."]
    splits: Annotated[bool, "Whether anything splits off without it."]
    cut: Annotated[EvidenceCut | None, "The smallest evidence cut found; null: none was found."]
