"""Schedule the tries of a delivery: in the order of each cluster, with pauses that grow."""

import random
from collections.abc import Iterable

from graphsvc.model.webhooks import Delivery

FIRST_SECONDS = 5.0
"""Pause after the first failed attempt; Standard Webhooks suggests 5 s."""
MOST_SECONDS = 6 * 3600.0
"""Longest pause between attempts, so that a receiver that is back gets what waits on the same working day."""
GIVE_UP_SECONDS = 3 * 86_400.0
"""Age of a delivery at which a failed attempt is the last one: a receiver that breaks on a Friday night can be repaired
on Monday."""
MOST_HOLD_SECONDS = 300.0
"""Longest pause of a webhook that answers nothing, or errors of its own: one attempt then speaks for all that wait."""


def compute_pause(attempts: int, most: float = MOST_SECONDS, *, asked: float = 0.0) -> float:
    """Compute the seconds until the next attempt: they double with each, and vary by half, so that senders spread.

    Args:
        attempts: failed ones, at least 1.
        most: upper bound.
        asked: seconds that the receiver asked for (`Retry-After`).
    """
    # The exponent is bounded, since floats are: 2^20 times the first pause is far above any bound.
    pause = min(FIRST_SECONDS * 2.0 ** min(attempts - 1, 20), most)
    return min(max(pause * random.uniform(0.5, 1.0), asked), most)


def select_ready(waiting: Iterable[Delivery]) -> list[Delivery]:
    """Select the deliveries that may be tried now, in order.

    An event waits for the earlier ones of its cluster, and of the other cluster that it concerns.

    Args:
        waiting: all that wait for one webhook, by number.
    """
    ready, blocked = [], set[str]()
    for each in waiting:
        if each.is_due and not each.clusters & blocked:
            ready.append(each)
        else:
            blocked |= each.clusters
    return ready
