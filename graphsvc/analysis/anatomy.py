"""Results on the structure of a cluster: its parts, bridges and cuts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """A signal, or several that are one value, and who uses it.

    Attributes:
        signals: Keys of the signals.
        kind: Their kind.
        accounts: Accounts of the part that use it.
        outside: Accounts outside of the cluster that do.
        bits: Evidence for one operator from sharing it, in bits.
    """

    signals: tuple[str, ...]
    kind: str
    accounts: int
    outside: int
    bits: float


@dataclass(frozen=True, slots=True)
class Part:
    """Accounts that are connected with each other.

    Attributes:
        size: How many.
        accounts: Ids of the few with the highest membership.
        holds: Signals that connect most of them.
    """

    size: int
    accounts: tuple[str, ...]
    holds: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a cluster.

    Attributes:
        members: Members in all.
        sizes: Sizes of all parts, largest first.
        alone: Members whom nothing that would make a link connects; they belong by weaker evidence.
        parts: More of the largest parts.
    """

    members: int
    sizes: tuple[int, ...]
    alone: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bridge:
    """One signal or account without which a part splits off.

    Attributes:
        holding: The signal; null: it is an account.
        account: Id of the account; empty: it is a signal.
        sizes: Sizes of the parts that remain of its part, largest first.
        alone: Accounts left with nothing.
    """

    holding: Holding | None
    account: str
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class EvidenceCut:
    """The least evidence found that must go for the cluster to be two; there may be less.

    Attributes:
        bits: Evidence removed, in bits.
        least: Accounts that each of the two parts has at least.
        values: Values that go as a whole.
        uses: Single uses of other values that go.
        signals: The strongest of the removed signals.
        sizes: The parts that remain, largest first.
        alone: Accounts left with nothing.
    """

    bits: float
    least: int
    values: int
    uses: int
    signals: tuple[Holding, ...]
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Weak points of a cluster.

    Attributes:
        parts: Its parts.
        signals: Signals that are bridges, the greatest first.
        accounts: Accounts that are bridges, the greatest first.
        every: Whether each signal and account was tried; in a large cluster only those that can be all that
            connects a part, and the signals that hold most.
        strongest: The signal that holds most.
        splits: Whether anything splits off without it.
        cut: The smallest evidence cut found; null: none was found.
    """

    parts: Parts
    signals: tuple[Bridge, ...]
    accounts: tuple[Bridge, ...]
    every: bool
    strongest: Holding | None
    splits: bool
    cut: EvidenceCut | None
