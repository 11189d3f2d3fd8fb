"""Results on the structure of a cluster: its parts, bridges and cuts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """A signal, or several that are one value, and the accounts that share it.

    Attributes:
        signals: keys.
        kind: of the signals.
        accounts: of a part that use it.
        outside: accounts outside the cluster that use it.
        bits: of sharing it.
    """

    signals: tuple[str, ...]
    kind: str
    accounts: int
    outside: int
    bits: float


@dataclass(frozen=True, slots=True)
class Part:
    """Accounts that are connected.

    Attributes:
        size: number of accounts.
        accounts: ids of the few with the highest membership.
        holds: values with most bits times accounts.
    """

    size: int
    accounts: tuple[str, ...]
    holds: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a cluster.

    Attributes:
        members: number of all members.
        sizes: of all parts, largest first.
        alone: members that nothing connects that would make a link. What they share with the cluster is
            weaker.
        parts: details of the first few.
    """

    members: int
    sizes: tuple[int, ...]
    alone: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bridge:
    """One signal or one account without which a part of a given size comes apart.

    Attributes:
        holding: the signal; None for an account.
        account: id; '' for a signal.
        sizes: of the parts that remain of its part, largest first.
        alone: accounts left without a connection.
    """

    holding: Holding | None
    account: str
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class EvidenceCut:
    """The smallest evidence cut found of the largest part (`cut.find_cheapest_cut`); there may be a smaller one.

    Attributes:
        bits: cost of the cut.
        least: accounts that each of two remaining parts has at least.
        values: number of values that go entirely.
        uses: number of single uses of other values that go.
        signals: of what goes, those with most bits times accounts.
        sizes: of the parts that remain, largest first.
        alone: accounts left without a connection.
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
        parts: of the cluster as it is.
        signals: bridges, those that split off most first.
        accounts: likewise.
        every: whether each signal and account was tried. In a large cluster only two sorts are: those that
            alone connect a part, and the signals with most bits times members.
        strongest: the signal without which the largest remaining part is smallest. Without a bridge, the one
            with most bits times members.
        splits: whether a single signal is a bridge.
        cut: the smallest cut found, if any.
    """

    parts: Parts
    signals: tuple[Bridge, ...]
    accounts: tuple[Bridge, ...]
    every: bool
    strongest: Holding | None
    splits: bool
    cut: EvidenceCut | None
