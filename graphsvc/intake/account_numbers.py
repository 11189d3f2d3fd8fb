"""Numbers of the accounts of a bundle: by hashes of their ids, since the ids of millions would not fit."""

import secrets
from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.errors import BundleError
from graphsvc.intake.codes import NOWHERE, Ranks

_BITS = 64


class AccountNumbers:
    """Accounts by a random 64-bit hash of their ids: 12 bytes each.

    No two accounts that were added have one hash, which is checked. An id that was not added is taken for one of ten
    million that were in one case of 10^12.
    """

    def __init__(self) -> None:
        self._seed = secrets.randbits(_BITS)
        self._hashes: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._numbers: Ranks = np.empty(0, np.uint32)

    def __len__(self) -> int:
        return len(self._hashes)

    def number(self, ids: Callable[[], Iterable[pl.Series]]) -> None:
        """Give the first accounts numbers from 0 on.

        Args:
            ids: gives their ids (String, distinct) in parts, in the order of the numbers.
        """
        self._hashes = np.concatenate([np.empty(0, np.uint64), *(self._hash(part) for part in ids())])
        self._numbers = np.arange(len(self._hashes), dtype=np.uint32)
        if not self._sort():
            self._seed = secrets.randbits(_BITS)
            self.number(ids)

    def add(self, ids: pl.Series) -> None:
        """Give accounts that have no number the next ones.

        Raises:
            BundleError: two of them have one hash, by a chance of one in 10^5 for ten million accounts.
        """
        numbers = np.arange(len(self), len(self) + len(ids), dtype=np.uint32)
        self._hashes = np.concatenate([self._hashes, self._hash(ids)])
        self._numbers = np.concatenate([self._numbers, numbers])
        if not self._sort():
            raise BundleError("Two accounts have the same random hash.", "Load the bundle again.")

    def find(self, ids: pl.Series) -> Ranks:
        """Return the numbers of accounts; `NOWHERE` of those that have none."""
        hashes = self._hash(ids)
        if not len(self):
            return np.full(len(hashes), NOWHERE)
        at = np.minimum(self._hashes.searchsorted(hashes), len(self) - 1)
        found: Ranks = np.where(self._hashes[at] == hashes, self._numbers[at], NOWHERE)
        return found

    def _hash(self, ids: pl.Series) -> NDArray[np.uint64]:
        return ids.hash(self._seed).to_numpy()

    def _sort(self) -> bool:
        """Sort the hashes, and return whether all differ."""
        order = self._hashes.argsort()
        self._hashes, self._numbers = self._hashes[order], self._numbers[order]
        return not bool((self._hashes[1:] == self._hashes[:-1]).any())
