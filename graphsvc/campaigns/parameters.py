"""The numbers that a detection run depends on."""

from dataclasses import dataclass
from typing import Any

from graphsvc.campaigns.pins import Pins
from graphsvc.campaigns.score import TIME
from graphsvc.errors import DetectionError
from graphsvc.model.runs import Algorithm


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every number a run depends on; recorded with it."""

    algorithm: Algorithm = Algorithm.LEIDEN
    seed: int = 42
    window: int = 0
    """Days for which a use of a signal counts after it was last seen; 0: for ever."""
    gamma: float = 1.0
    """Resolution of Leiden against the one that the number of links asks for: higher makes smaller cores."""
    min_values: int = 2
    """Independent values two accounts must share to be linked."""
    min_core: int = 4
    """Accounts of the smallest community that may grow."""
    joining: bool = True
    """Join cores that share as groups, and clusters that have most of their accounts in common with another."""
    rounds: int = 20
    """Rounds of growing, at most; 0: no account outside of a core is taken in."""
    min_size: int = 6
    """Accounts of the smallest cluster that is published. Of a campaign of eight, six may be told from others. On
    random worlds (seeds 100-189) 147 of 221 campaigns of eight and more and 6 smaller ones are found at 6, 146 and 1
    at 8, with 30 and 29 false clusters. Of the members so published of the sybil list 80 % are right, 86 % at 8."""
    min_score: float = 0.5
    """Score a cluster needs to be published as a campaign."""
    min_coordination: float = 0.9
    """Coordination another cluster needs to be published as a likely business; see `campaigns.judgement.Bar`."""
    budget: float = 0.001
    """Innocents to be expected among what is published, for each innocent there is."""
    time: tuple[str, ...] = TIME
    """Evidence from time that is used."""
    pins: Pins = ()
    """Pins: people's knowledge of pairs of accounts. A run takes those that are active when it begins."""

    @classmethod
    def of(cls, recorded: dict[str, Any]) -> "Parameters":
        """Build parameters from what a run recorded.

        Raises:
            DetectionError: another version of graphsvc made it, with parameters that this one does not have.
        """
        try:
            values = {
                "algorithm": Algorithm(recorded["algorithm"]),
                "time": tuple(recorded["time"]),
                "pins": tuple((a, b, same) for a, b, same in recorded.get("pins", ())),
            }
            return cls(**{**recorded, **values})
        except (KeyError, TypeError, ValueError):
            raise DetectionError(
                "The run's parameters are not those of this version of graphsvc.",
                "Use the version that the run records.",
            ) from None
