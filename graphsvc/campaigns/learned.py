"""Keep apart what clusters learned from their members, and the accounts that are weighed by it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.timing import Signups
from graphsvc.types import Floats, Ints


@dataclass(frozen=True, slots=True)
class Learned:
    """Lessons of clusters from their members: all that an account is weighed by, and nothing of any account.

    Attributes:
        numbers: of the clusters, int32, ascending. The other tables number clusters by their place here.
        size: members of each, int64.
        pool: of `membership.pools`; `leading` (bool) tells the values that can make a candidate.
        worth: bits of each class of agreement, float64, (clusters, families, classes).
        signups: sign-ups of the members; None leaves the moment of sign-up out.
        accounts: number of all accounts.
    """

    numbers: NDArray[np.int32]
    size: Ints
    pool: pl.DataFrame
    worth: Floats
    signups: Signups | None
    accounts: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Accounts to weigh against clusters: those of the run, or any others.

    Attributes:
        has: whether each has any value of a family, (accounts, families).
        belongs: cluster that each is a member of, -1 = of none; int32.
        home: cluster whose pool each has made, -1 = none; int32.
        signups: sign-ups of the clusters, with the moments of these accounts; None as in `Learned`.
    """

    has: NDArray[np.bool_]
    belongs: NDArray[np.int32]
    home: NDArray[np.int32]
    signups: Signups | None
