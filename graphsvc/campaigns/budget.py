"""How sure is sure enough: a threshold that follows from how many innocents a user would put up with."""

import numpy as np
from numpy.typing import NDArray

LEAST_INNOCENTS = 3.0
"""What is allowed however few accounts there are: a thousandth of a few hundred is nobody."""
FLOOR = 0.5
"""Nobody is published who is more likely not a member."""


def threshold(probability: NDArray[np.float64], accounts: int, budget: float) -> tuple[float, float]:
    """The least membership with which accounts can be published within a budget of innocents.

    Accounts come in the order of their membership, as long as what is to be expected of innocents among them, the sum
    of 1 - p, is not more than the budget times all innocents, of whom p says how many are left. That holds as far as
    the probabilities are right as often as they say.

    Args:
        probability: that each account belongs to its cluster, 0–1; any order.
        accounts: all there are.
        budget: innocents that may be published, for each innocent there is, for example .001.

    Returns: the threshold (at least `FLOOR`) and the innocents to expect above it.
    """
    ordered = np.sort(probability[probability >= FLOOR])[::-1]
    expected = np.cumsum(1.0 - ordered)
    allowed = np.maximum(budget * (accounts - np.cumsum(ordered)), LEAST_INNOCENTS)
    over = np.flatnonzero(expected > allowed)
    fits = int(over[0]) if len(over) else len(ordered)
    if fits == len(ordered):
        return FLOOR, float(expected[-1]) if fits else 0.0
    # Accounts of one probability are treated alike: those at the cut stay out.
    cut = float(ordered[fits])
    above = ordered[ordered > cut]
    least = float(above[-1]) if len(above) else 1.0
    return least, float(np.sum(1.0 - above))
