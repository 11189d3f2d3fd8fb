"""Find members that a cluster does not have yet among the accounts that stand for all others.

How often others agree with a cluster is counted on everyone outside of it. While a cluster is a small part of its
campaign, the rest of the campaign is counted too, and what the campaign shares seems common. So accounts that agree in
two families and more are counted only to the extent that they are no members: expectation maximisation with rates of
members held (Dempster et al. 1977; with labels of one class alone: Elkan & Noto 2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.campaigns.agreement import ABSENT, Agreement
from graphsvc.campaigns.worth import count_classes
from graphsvc.model.arrays import find_starts
from graphsvc.types import Floats, Ints

LEAST_FAMILIES = 2
"""Families in which an account agrees at least. One alone says that two rent from one market."""


@dataclass(frozen=True, slots=True)
class Several:
    """Accounts outside of clusters that agree with one in several families.

    Attributes:
        cluster: of each pair of a cluster and an account, int64, sorted.
        account: of each pair, int64, ascending in a cluster.
        agreed: the pairs' classes, one row for each family.
        pair: the pair of each row of `agreed`, int64.
    """

    cluster: Ints
    account: Ints
    agreed: Agreement
    pair: Ints

    def weigh(self, worth: Floats, prior: Floats, has: NDArray[np.bool_]) -> Floats:
        """Weigh how probably each pair's account is a member; (pairs,) float64, 0-1.

        Args:
            worth: bits of each class, shape (clusters, families, classes).
            prior: log2 of the odds before any evidence, one a cluster.
            has: whether an account has any value of a family, shape (accounts, families).
        """
        agreed, missing = self.agreed, worth[:, :, ABSENT]
        gained = worth[agreed.cluster, agreed.family, agreed.kind] - missing[agreed.cluster, agreed.family]
        bits: Floats = prior[self.cluster] + np.bincount(self.pair, gained, minlength=len(self.cluster))
        # Family by family: a matrix of pairs and families would be the largest of a run.
        for family in range(has.shape[1]):
            bits += np.where(has[self.account, family], missing[self.cluster, family], 0.0)
        found: Floats = 1.0 / (1.0 + np.exp2(-bits))
        return found

    def count_classes(self, weight: Floats, shape: tuple[int, int, int]) -> Floats:
        """Sum the pairs' weights by class; `shape`: clusters, families, classes."""
        agreed = self.agreed
        return count_classes(agreed.cluster, agreed.family, agreed.kind, shape, weight[self.pair])

    def count_families(self, weight: Floats, has: NDArray[np.bool_], clusters: int) -> Floats:
        """Sum the weights of the pairs whose account has a family; shape (clusters, families)."""
        columns = [
            np.bincount(self.cluster, np.where(has[self.account, family], weight, 0.0), minlength=clusters)
            for family in range(has.shape[1])
        ]
        return np.stack(columns, axis=1)


def find_several(outside: Agreement) -> Several:
    """Find the accounts that agree with a cluster in `LEAST_FAMILIES` families and more.

    Args:
        outside: agreement of accounts that are not members, a row for each cluster, account and family; sorted.
    """
    first = find_starts(outside.cluster, outside.account)
    families = np.diff(np.append(first, len(outside.cluster)))
    several = families >= LEAST_FAMILIES
    first = first[several]
    pair = np.repeat(np.arange(len(first)), families[several])
    return Several(
        outside.cluster[first], outside.account[first], outside.rows(np.repeat(several, families)), pair
    )
