"""Compute the least membership to publish, from the number of legitimate accounts that a user would put up with."""

import numpy as np
from numpy.typing import NDArray

from graphsvc.types import Floats

LEAST_INNOCENTS = 3.0
"""Legitimate accounts allowed in populations of any size: a thousandth of a few hundred would be less than one."""
FLOOR = 0.5
"""No account is published that is more likely not a member."""


def allow_innocents(budget: float, others: Floats | float) -> Floats:
    """Compute the innocents that a budget allows.

    Args:
        budget: innocents that may be published, for each innocent there is.
        others: accounts that are not published; a number, or of any shape.
    """
    allowed: Floats = np.maximum(budget * others, LEAST_INNOCENTS)
    return allowed


def threshold(probability: NDArray[np.float64], accounts: int, budget: float) -> tuple[float, float]:
    """Compute the least membership to publish within a budget of innocents (legitimate accounts).

    Accounts come in the order of their membership p. The sum of 1 - p over those taken is the number of innocents to
    expect among them. It stays at most the budget times all innocents: all accounts less the sum of p. The result is
    right if the probabilities are calibrated.

    Args:
        probability: that each account belongs to its cluster, 0–1; any order.
        accounts: all there are.
        budget: innocents that may be published, for each innocent there is, for example .001.

    Returns:
        The threshold (at least `FLOOR`), and the innocents to expect above it.
    """
    ordered = np.sort(probability[probability >= FLOOR])[::-1]
    expected = np.cumsum(1.0 - ordered)
    allowed = allow_innocents(budget, accounts - np.cumsum(ordered))
    over = np.flatnonzero(expected > allowed)
    fits = int(over[0]) if len(over) else len(ordered)
    if fits == len(ordered):
        return FLOOR, float(expected[-1]) if fits else 0.0
    # Accounts of one probability are treated alike: those at the cut stay out.
    cut = float(ordered[fits])
    above = ordered[ordered > cut]
    least = float(above[-1]) if len(above) else 1.0
    return least, float(np.sum(1.0 - above))
