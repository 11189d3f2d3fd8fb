"""Two numbers of a cluster: how surely one operator runs it, and how surely it is a campaign.

Each part of a score speaks to one aspect. Coordination is what the parts about one operator say, alone. Hostility is
what all parts say together: a campaign has one operator and breaks the rules. A pooling agency has the first alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Aspect(StrEnum):
    """A question that a part of a score answers."""

    COORDINATION = "coordination"
    HOSTILITY = "hostility"


ASPECTS: Mapping[str, Aspect] = MappingProxyType(
    {
        "shared": Aspect.COORDINATION,
        "pooled": Aspect.COORDINATION,
        "lockstep": Aspect.COORDINATION,
        "balance": Aspect.COORDINATION,
        "sleepless": Aspect.COORDINATION,
        "bursts": Aspect.COORDINATION,
        "succession": Aspect.COORDINATION,
        "names": Aspect.COORDINATION,
        "prior": Aspect.HOSTILITY,
        "crowd": Aspect.HOSTILITY,
        "event": Aspect.HOSTILITY,
        "bans": Aspect.HOSTILITY,
        "declared": Aspect.HOSTILITY,
        "domains": Aspect.HOSTILITY,
        "institution": Aspect.HOSTILITY,
        "anonymous": Aspect.HOSTILITY,
        "moves": Aspect.HOSTILITY,
        "asked": Aspect.HOSTILITY,
        "size": Aspect.HOSTILITY,
        "country": Aspect.HOSTILITY,
        "per_payment": Aspect.HOSTILITY,
        "per_device": Aspect.HOSTILITY,
        "tied": Aspect.HOSTILITY,
        "later": Aspect.HOSTILITY,
        "requests": Aspect.HOSTILITY,
    }
)
"""The aspect of each part, by the part's name. `prior` is the prior of a campaign; coordination has its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score."""

    name: str
    bits: float
    says: str

    @property
    def aspect(self) -> Aspect:
        """The question that the part answers."""
        return ASPECTS[self.name]


COORDINATION_PRIOR_BITS = 2.0
"""Four to one: a group that passes as a cluster has one operator more often than it is a campus, a class or a family.
That is cautious. Measured on demo seed 7, hard seed 3 and quiet seed 5 (60,000 accounts each): 606 of 620 candidates
are a company, an agency or a campaign. In a world of an independent generator it is 123 of 132."""

Parts = Iterable[tuple[str, float]]
"""Names of parts and what each adds, in bits."""


def probability(bits: float) -> float:
    """Turn log-odds into a probability.

    Args:
        bits: log2 of the odds.

    Returns:
        The probability, 0-1.
    """
    return float(1.0 / (1.0 + 2.0**-bits))


def measure_coordination(parts: Parts) -> float:
    """Return the probability that one operator runs a cluster.

    Args:
        parts: all parts of the cluster's score.

    Returns:
        The probability, 0-1, from the coordination prior and the parts that speak to coordination.

    Raises:
        KeyError: a part has no entry in `ASPECTS`.
    """
    said = [bits for name, bits in parts if ASPECTS[name] is Aspect.COORDINATION]
    return probability(COORDINATION_PRIOR_BITS + sum(said))


def measure_hostility(parts: Parts) -> float:
    """Return the probability that a cluster is a campaign.

    Args:
        parts: all parts of the cluster's score, the prior of a campaign among them.

    Returns:
        The probability, 0-1, from the sum of all parts. It is the cluster's score.
    """
    return probability(sum(bits for _, bits in parts))
