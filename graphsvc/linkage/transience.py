"""Tell transient uses of signals from lasting ones: one rule, for the columns of a graph and for stored uses.

An operator can make a legitimate account look like its own: it visits the account's address once, or pays for it once.
"""

import numpy as np

from graphsvc.types import Flags, Ints, Rows

BRIEF_MS = 3_600_000
"""A use that is shorter is brief: it begins and ends within an hour."""
USUAL_SHARE = 0.2
"""Share of a kind's uses that may be brief, at most, for that to mean something."""


def find_brief(first_seen: Ints, last_seen: Ints) -> Flags:
    """Find the uses that begin and end within an hour, both moments known; bool, one a use.

    Args:
        first_seen: ms since 1970, -1 = not known; int64, one a use.
        last_seen: likewise.
    """
    brief = last_seen - first_seen < BRIEF_MS
    brief &= first_seen >= 0
    brief &= last_seen >= 0
    return brief


def is_usual(brief: Ints, uses: Ints) -> Flags:
    """Tell for which kinds brief uses are usual, so that one is no sign of a visit; bool, one a kind.

    Args:
        brief: brief uses of each kind, int64.
        uses: all uses of each kind, int64.
    """
    found: Flags = brief > USUAL_SHARE * np.maximum(uses, 1)
    return found


def find_transient(first_seen: Ints, last_seen: Ints, signal: Rows, kind: Rows, uses: Ints) -> Flags:
    """Find the transient uses: brief ones of kinds that are not usually used so briefly; bool, one a use.

    Args:
        first_seen: as for `find_brief`.
        last_seen: likewise.
        signal: the signal of each use.
        kind: the kind of each signal, numbered from 0.
        uses: all uses of each kind, int64.
    """
    transient = find_brief(first_seen, last_seen)
    use = np.flatnonzero(transient)
    of = kind[signal[use]]
    usual = is_usual(np.bincount(of, minlength=len(uses)), uses)
    transient[use[usual[of]]] = False
    return transient
