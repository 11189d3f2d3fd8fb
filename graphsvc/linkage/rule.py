"""Tell which values can link accounts: one rule, and the population that tells how rare a value is.

A run asks it of all accounts but the one at hand. A question about one cluster asks it of the accounts outside.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc.linkage.bits import KindColumn, share_of_others
from graphsvc.linkage.prefixes import find_rented
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import DERIVED, kind_of
from graphsvc.types import Flags, Floats, Ints

ONE_OBSERVATION = ("prompt", "email", "client")
"""Families whose kinds or bands repeat one observation: sharing several of their values is still one."""
CROWDED = ("cgnat", "mobile", "vpn", "education", "corporate")
"""Classes of network behind whose addresses there are many people."""
SOLE_DEGREE = 20
"""A value of a sole kind that more accounts have is not the few's that share it."""
RARE_SHARE = 0.25
"""A value that more of all accounts have makes no pairs: it says less than two bits. Hubs are capped by kind too."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The accounts that tell how rare each signal is.

    Attributes:
        accounts: number of all accounts, against which a value is rare.
        users: accounts of the reference that use each signal, int64.
        share: share of the reference that uses each, above 0, at most 1; float64.
    """

    accounts: int
    users: Ints
    share: Floats

    @classmethod
    def of_others(cls, degree: Ints, accounts: int) -> "Reference":
        """Take all accounts but the one at hand.

        Args:
            degree: accounts that use each signal, int64.
            accounts: all there are.
        """
        return cls(accounts, degree, share_of_others(degree, accounts))

    @classmethod
    def of_outsiders(cls, outside: Ints, accounts: int, members: int) -> "Reference":
        """Take all accounts outside a cluster.

        Args:
            outside: accounts outside that use each signal, int64.
            accounts: all there are.
            members: accounts in the cluster.
        """
        # Half an account is added, so that a value without outsiders has finite bits.
        share = (outside + 0.5) / (accounts - members + 1.0)
        return cls(accounts, outside, np.minimum(share, 1.0))


def find_linking(signals: pl.DataFrame, kinds: KindColumn, reference: Reference) -> Flags:
    """Find the signals that can make a link: of a linking kind, rare enough, no hub, and of no crowd; bool, one each.

    Args:
        signals: key, kind, parent and class (`model.graph.SIGNAL_COLUMNS`).
        kinds: of the signals.
        reference: the accounts that tell how rare each is.
    """
    linking = kinds.apply(is_linking_kind, np.bool_) | find_rented(signals)
    rare = is_rare(reference.users, reference.accounts)
    found: Flags = linking & rare & ~find_crowded(signals) & ~find_hubs(kinds, reference.users)
    return found


def find_sufficient(kinds: KindColumn, reference: Reference, linking: Flags) -> Flags:
    """Find the signals that make a link by themselves; bool, one each.

    Args:
        kinds: of the signals.
        reference: the accounts that tell how rare each is.
        linking: of `find_linking`.
    """
    sole = kinds.apply(lambda kind: kind_of(kind).sole, np.bool_)
    found: Flags = sole & linking & (reference.users <= SOLE_DEGREE)
    return found


def find_hubs(kinds: KindColumn, users: Ints) -> Flags:
    """Find the signals that more accounts use than may make pairs; bool, one each."""
    found: Flags = users > kinds.apply(lambda kind: kind_of(kind).hub_degree, np.int64)
    return found


def find_crowded(signals: pl.DataFrame) -> Flags:
    """Find the addresses behind which there are many people by design; bool, one each."""
    return signals["class"].is_in(CROWDED).to_numpy()


def is_linking_kind(kind: str) -> bool:
    """Return whether values of a kind can make a link; of derived kinds see `prefixes.find_rented`."""
    return kind_of(kind).ties and kind not in DERIVED


def is_rare(users: Ints, accounts: int) -> Flags:
    """Tell which values few enough accounts use to make pairs; bool, shape as `users`."""
    found: Flags = users <= RARE_SHARE * coarse(accounts)
    return found
